import { useState } from "react";
import { useRead } from "../data/api.js";
import { download, invoicesAsCsv } from "../data/csv.js";
import { type Invoice, useExplanation } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { InvoiceSheet } from "../parts/InvoiceSheet.js";
import { InvoiceTable } from "../parts/InvoiceTable.js";
import { Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { HeldPayment } from "./HeldPayment.js";

const STATUSES = ["draft", "open", "paid", "void", "uncollectible"] as const;
type Status = (typeof STATUSES)[number];

/** Everybody's invoices, or one customer's. */
export function InvoicesSection({ customer }: { customer?: string }) {
  const say = useSay();
  const at = useCursor();
  const [status, setStatus] = useState<Status>();
  const [shown, setShown] = useState<Invoice | null>(null);
  const invoices = useRead(
    ["invoices", customer, status, at.cursor],
    (api) => api.engine.GET("/v1/invoices", { params: { query: { customer, status, limit: 25, cursor: at.cursor } } }),
    { live: true },
  );
  const choose = (value: string) => {
    at.reset();
    setStatus(STATUSES.find((each) => each === value));
  };
  return (
    <Panel
      title={say("invoices.title")}
      wide
      aside={
        <button type="button" className="t-link" onClick={() => download("invoices.csv", invoicesAsCsv(invoices.data?.data ?? []))}>
          {say("invoices.csv")}
        </button>
      }
    >
      <Choice
        label={say("invoices.status")}
        value={status ?? ""}
        options={[["", say("common.all")], ...STATUSES.map((each): [string, string] => [each, say.code("status", each)])]}
        choose={choose}
      />
      <Loaded
        query={invoices}
        empty={{
          when: (page) => page.data.length === 0,
          title: say(status ? "invoices.not_found" : "invoices.empty"),
          hint: say(status ? "invoices.not_found_hint" : "invoices.empty_hint"),
        }}
      >
        {(page) => <InvoiceTable invoices={page.data} open={setShown} customers={!customer} />}
      </Loaded>
      <Pager query={invoices} at={at} />
      {shown && (
        <Dialog title={shown.number ?? say("invoices.draft")} onClose={() => setShown(null)}>
          <Explained id={shown.id} />
        </Dialog>
      )}
    </Panel>
  );
}

function Explained({ id }: { id: string }) {
  const explanation = useExplanation(id);
  const dunning = useRead(
    ["dunning", id],
    (api) => api.engine.GET("/v1/dunning/{invoice_id}", { params: { path: { invoice_id: id } } }),
    { enabled: Boolean(explanation.data?.payment?.decline) },
  ).data;
  return (
    <Loaded query={explanation}>
      {(found) => (
        <InvoiceSheet explanation={found} dunning={dunning} files={`/v1/invoices/${encodeURIComponent(id)}`}>
          <HeldPayment of={found} />
        </InvoiceSheet>
      )}
    </Loaded>
  );
}
