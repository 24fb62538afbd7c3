import { useState } from "react";
import { useApi } from "../data/api.js";
import { download, invoicesAsCsv } from "../data/csv.js";
import { type Invoice, useOwnInvoices } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { InvoiceTable } from "../parts/InvoiceTable.js";
import { Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Panel } from "../parts/Panel.js";
import { OwnInvoice } from "./OwnInvoice.js";

const ROWS_MAX = 200;

export function InvoicesPanel() {
  const say = useSay();
  const api = useApi();
  const at = useCursor();
  const invoices = useOwnInvoices(at.cursor);
  const [shown, setShown] = useState<Invoice | null>(null);
  const save = async () => {
    const all: Invoice[] = [];
    let cursor: string | undefined;
    do {
      const { data } = await api.user.GET("/billing/invoices", { params: { query: { limit: ROWS_MAX, cursor } } });
      all.push(...(data?.data ?? []));
      cursor = data?.next_cursor ?? undefined;
    } while (cursor);
    download("invoices.csv", invoicesAsCsv(all));
  };
  const some = (invoices.data?.data.length ?? 0) > 0;
  return (
    <Panel
      title={say("invoices.title")}
      wide
      aside={
        some && (
          <button type="button" className="t-link" onClick={() => void save()}>
            {say("invoices.csv")}
          </button>
        )
      }
    >
      <Loaded
        query={invoices}
        empty={{ when: (page) => page.data.length === 0, title: say("invoices.empty"), hint: say("invoices.empty_hint") }}
      >
        {(page) => <InvoiceTable invoices={page.data} open={setShown} />}
      </Loaded>
      <Pager query={invoices} at={at} />
      {shown && (
        <Dialog title={shown.number ?? say("invoices.draft")} onClose={() => setShown(null)}>
          <OwnInvoice id={shown.id} />
        </Dialog>
      )}
    </Panel>
  );
}
