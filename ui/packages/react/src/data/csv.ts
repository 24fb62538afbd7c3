import { type Amount, exponentOf, withPoint } from "./format.js";
import type { Invoice } from "./reads.js";

// A cell that begins like this is a formula to a spreadsheet; with an apostrophe before it, it is text.
const FORMULA = /^[=+\-@\t\r]/;

export function cell(text: string): string {
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  const safe = FORMULA.test(text) && !isNumber ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function plain({ amount, currency }: Amount): string {
  return withPoint(amount, exponentOf(currency));
}

/** With a byte order mark, so that spreadsheets read Japanese. */
export function invoicesAsCsv(invoices: Invoice[]): string {
  const head = ["number", "id", "customer", "status", "date", "from", "until", "currency", "total", "amount_due"];
  const rows = invoices.map(({ currency, ...each }) => [
    each.number ?? "",
    each.id,
    each.customer,
    each.status,
    each.opened_at ?? each.created_at,
    each.period.from,
    each.period.until,
    currency.toUpperCase(),
    plain({ amount: each.total, currency }),
    plain({ amount: each.amount_due, currency }),
  ]);
  return `\ufeff${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
