import type { Dunning, Invoice, Payment } from "../data/reads.js";
import { type Say, useSay } from "../data/words.js";

interface Step {
  text: string;
  at: string | null;
  kind: "done" | "wrong" | "next";
}

/** What became of an invoice's money so far, and what comes next, in plain words. */
export function Timeline({ invoice, payment, dunning }: { invoice: Invoice; payment: Payment | null; dunning?: Dunning }) {
  const say = useSay();
  return (
    <div>
      <h3>{say("timeline.title")}</h3>
      <ol className="t-timeline">
        {stepsOf(invoice, payment, say, dunning).map((step) => (
          <li key={`${step.text} ${step.at}`} data-kind={step.kind}>
            <span>{step.text}</span> {step.at && <time dateTime={step.at}>{say.instant(step.at)}</time>}
          </li>
        ))}
      </ol>
    </div>
  );
}

export function stepsOf(invoice: Invoice, payment: Payment | null, say: Say, dunning?: Dunning): Step[] {
  const steps: Step[] = [{ text: say("timeline.issued"), at: invoice.opened_at ?? invoice.created_at, kind: "done" }];
  for (const note of invoice.credit_notes) {
    steps.push({ text: say("timeline.refunded", { amount: say.money({ amount: note.amount, currency: note.currency }) }), at: note.created_at, kind: "done" });
  }
  const failed = (code: string, at: string): Step => ({ text: say("timeline.failed", { reason: say.code("decline", code) }), at, kind: "wrong" });
  const tries = dunning?.attempts?.filter((each) => each.code !== null) ?? [];
  if (tries.length > 0) steps.push(...tries.map((each) => failed(each.code ?? "", each.failed_at ?? each.begun_at)));
  else if (payment?.decline && payment.status !== "succeeded") steps.push(failed(payment.decline.code, payment.updated_at));
  if (invoice.status === "paid" || invoice.status === "void" || invoice.status === "uncollectible") {
    return [...steps, { text: say(`timeline.${invoice.status}`), at: invoice.closed_at, kind: invoice.status === "uncollectible" ? "wrong" : "done" }];
  }
  if (payment?.status === "processing") return [...steps, { text: say("timeline.processing"), at: payment.updated_at, kind: "next" }];
  if (dunning?.next_at) steps.push({ text: say("timeline.again"), at: dunning.next_at, kind: "next" });
  if (payment?.decline) return [...steps, { text: say("timeline.next"), at: null, kind: "next" }];
  const due = invoice.due_at ? ` · ${say("timeline.due", { day: say.day(invoice.due_at) })}` : "";
  return [...steps, { text: say("timeline.waiting") + due, at: null, kind: "next" }];
}
