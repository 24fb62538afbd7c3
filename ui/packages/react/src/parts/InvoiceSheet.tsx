import type { ReactNode } from "react";
import type { Dunning, Explanation } from "../data/reads.js";
import { useApi } from "../data/api.js";
import { useSay } from "../data/words.js";
import { InvoiceLines } from "./InvoiceLines.js";
import { Badge, Facts } from "./Panel.js";
import { Timeline } from "./Timeline.js";

interface Props {
  explanation: Explanation;
  /** Where the invoice's files are, such as "/v1/invoices/inv_1". */
  files: string;
  dunning?: Dunning;
  children?: ReactNode;
}

/** One invoice: what it is for, how each line was computed, and what became of its money. */
export function InvoiceSheet({ explanation, files, dunning, children }: Props) {
  const say = useSay();
  const { invoice, payment, lines } = explanation;
  const facts: [string, ReactNode][] = [
    [say("invoices.status"), <Badge key="status" status={invoice.status}>{say.code("status", invoice.status)}</Badge>],
    [say("invoices.period"), say("common.from_until", { from: say.day(invoice.period.from), until: say.day(invoice.period.until) })],
  ];
  return (
    <>
      <Facts facts={facts} />
      {children}
      <InvoiceLines invoice={invoice} lines={lines} />
      <Timeline invoice={invoice} payment={payment} dunning={dunning} />
      {invoice.number && <Files of={files} />}
    </>
  );
}

/** An invoice is a document: as a page that prints well, as PDF, and its lines for a spreadsheet. */
function Files({ of }: { of: string }) {
  const say = useSay();
  const { root } = useApi();
  const at = (kind: string) => `${root}${of}/${kind}`;
  return (
    <p className="t-actions">
      <a href={at(`html?language=${say.locale}`)} target="_blank" rel="noreferrer">
        {say("invoices.print")}
      </a>
      <a href={at(`pdf?language=${say.locale}`)}>{say("invoices.pdf")}</a>
      <a href={at("csv?bom=true")}>{say("invoices.lines_csv")}</a>
    </p>
  );
}
