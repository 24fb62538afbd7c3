import type { Invoice, Payment } from "../data/reads.js";
import { type Say, useSay } from "../data/words.js";

interface Step {
  text: string;
  at: string | null;
  kind: "done" | "wrong" | "next";
}

/** What became of an invoice's money so far, and what comes next, in plain words. */
export function Timeline({ invoice, payment }: { invoice: Invoice; payment: Payment | null }) {
  const say = useSay();
  return (
    <div>
      <h3>{say("timeline.title")}</h3>
      <ol className="t-timeline">
        {stepsOf(invoice, payment, say).map((step) => (
          <li key={step.text} data-kind={step.kind}>
            <span>{step.text}</span> {step.at && <time dateTime={step.at}>{say.instant(step.at)}</time>}
          </li>
        ))}
      </ol>
    </div>
  );
}

export function stepsOf(invoice: Invoice, payment: Payment | null, say: Say): Step[] {
  const steps: Step[] = [{ text: say("timeline.issued"), at: invoice.opened_at ?? invoice.created_at, kind: "done" }];
  for (const note of invoice.credit_notes) {
    steps.push({ text: say("timeline.refunded", { amount: say.money({ amount: note.amount, currency: note.currency }) }), at: note.created_at, kind: "done" });
  }
  if (payment?.decline && payment.status !== "succeeded") {
    const reason = say.code("decline", payment.decline.code);
    steps.push({ text: say("timeline.failed", { reason }), at: payment.updated_at, kind: "wrong" });
  }
  if (invoice.status === "paid" || invoice.status === "void" || invoice.status === "uncollectible") {
    return [...steps, { text: say(`timeline.${invoice.status}`), at: invoice.closed_at, kind: invoice.status === "uncollectible" ? "wrong" : "done" }];
  }
  if (payment?.status === "processing") return [...steps, { text: say("timeline.processing"), at: payment.updated_at, kind: "next" }];
  if (payment?.decline) return [...steps, { text: say("timeline.next"), at: null, kind: "next" }];
  const due = invoice.due_at ? ` · ${say("timeline.due", { day: say.day(invoice.due_at) })}` : "";
  return [...steps, { text: say("timeline.waiting") + due, at: null, kind: "next" }];
}
