import { useAct } from "../data/api.js";
import { backFromProvider, here } from "../data/back.js";
import { type Invoice, useOwnDunning, useOwnInvoice } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { InvoiceSheet } from "../parts/InvoiceSheet.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { Portal } from "./PlanPanel.js";

export function OwnInvoice({ id }: { id: string }) {
  const explanation = useOwnInvoice(id);
  const dunning = useOwnDunning(id, Boolean(explanation.data?.payment?.decline)).data;
  return (
    <Loaded query={explanation}>
      {(found) => (
        <InvoiceSheet explanation={found} dunning={dunning} files={`/api/billing/invoices/${encodeURIComponent(id)}`}>
          {found.invoice.status === "open" && found.payment?.status !== "processing" && <PayNow invoice={found.invoice} />}
        </InvoiceSheet>
      )}
    </Loaded>
  );
}

function PayNow({ invoice }: { invoice: Invoice }) {
  const say = useSay();
  const pay = useAct(
    (api) =>
      api.user.POST("/billing/invoices/{invoice_id}/checkout", {
        params: { path: { invoice_id: invoice.id } },
        body: { success_url: backFromProvider(), cancel_url: here() },
      }),
    (page) => location.assign(page.url),
    true,
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
