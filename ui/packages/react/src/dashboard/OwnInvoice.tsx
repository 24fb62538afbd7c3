import { useAct } from "../data/api.js";
import { type Invoice, useOwnDunning, useOwnInvoice } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { InvoiceSheet } from "../parts/InvoiceSheet.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Portal } from "./PlanPanel.js";

export function OwnInvoice({ id }: { id: string }) {
  const explanation = useOwnInvoice(id);
  const dunning = useOwnDunning(id, Boolean(explanation.data?.payment?.decline)).data;
  return (
    <Loaded query={explanation}>
      {(found) => (
        <InvoiceSheet explanation={found} dunning={dunning} files={`/api/billing/invoices/${encodeURIComponent(id)}`}>
          {found.invoice.status === "open" && <PayNow invoice={found.invoice} />}
        </InvoiceSheet>
      )}
    </Loaded>
  );
}

function PayNow({ invoice }: { invoice: Invoice }) {
  const say = useSay();
  const tell = useTell();
  const pay = useAct(
    (api) => api.user.POST("/billing/invoices/{invoice_id}/pay", { params: { path: { invoice_id: invoice.id } } }),
    (payment) => {
      if (payment.url && payment.status !== "succeeded") location.assign(payment.url);
      else tell(say("invoices.no_page"));
    },
  );
  const amount = say.money({ amount: invoice.amount_due, currency: invoice.currency });
  return (
    <>
      <div className="t-actions">
        <button type="button" className="t-main" disabled={pay.isPending} title={say("invoices.pay_hint")} onClick={() => pay.mutate()}>
          {say("invoices.pay", { amount })}
        </button>
        <Portal word="invoices.update_card" />
      </div>
      {pay.error && <Failure error={pay.error} title={say("common.not_done")} />}
    </>
  );
}
