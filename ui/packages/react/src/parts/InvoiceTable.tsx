import type { Invoice } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Badge } from "./Panel.js";
import { type Column, Table } from "./Table.js";

interface Props {
  invoices: Invoice[];
  open: (invoice: Invoice) => void;
  customers?: boolean;
}

export function InvoiceTable({ invoices, open, customers = false }: Props) {
  const say = useSay();
  const columns: Column<Invoice>[] = [
    {
      name: say("invoices.number"),
      cell: (row) => {
        const number = row.number ?? say("invoices.draft");
        return (
          <button type="button" className="t-link" aria-label={say("invoices.open_one", { number })} onClick={() => open(row)}>
            {number}
          </button>
        );
      },
    },
    { name: say("invoices.date"), cell: (row) => say.day(row.opened_at ?? row.created_at) },
    { name: say("invoices.status"), cell: (row) => <Badge status={row.status}>{say.code("status", row.status)}</Badge> },
    { name: say("invoices.total"), cell: (row) => say.money({ amount: row.total, currency: row.currency }), number: true },
    {
      name: say("invoices.due"),
      cell: (row) => (row.status === "open" ? say.money({ amount: row.amount_due, currency: row.currency }) : "–"),
      number: true,
    },
  ];
  if (customers) columns.splice(1, 0, { name: say("invoices.customer"), cell: (row) => row.customer });
  return <Table caption={say("invoices.title")} columns={columns} rows={invoices} keyOf={(row) => row.id} />;
}
