import { type ReactNode, useEffect, useRef } from "react";
import { useAct, useRead } from "../data/api.js";
import type { Explanation, Invoice, Payment } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Facts } from "../parts/Panel.js";
import { WithReason } from "./WithReason.js";

const OVER = new Set(["succeeded", "canceled"]);

/** Why an invoice's payment is held, and the button that releases it; once released, since when. Nothing where it was never held. */
export function HeldPayment({ of: { invoice, payment } }: { of: Explanation }) {
  if (!payment) return null;
  if (payment.released_at) return <Released at={payment.released_at} />;
  return payment.held && !OVER.has(payment.status) ? <Held invoice={invoice} payment={payment} reason={payment.held} /> : null;
}

function Held({ invoice, payment, reason }: { invoice: Invoice; payment: Payment; reason: string }) {
  const say = useSay();
  const number = invoice.number ?? invoice.id;
  const told = useTold(invoice, reason);
  const release = useAct((api, said: string) =>
    api.engine.POST("/v1/invoices/{invoice_id}/release", { params: { path: { invoice_id: invoice.id } }, body: { reason: said } }),
  );
  const figure = (text: string) => (reason === "amount" ? say.price(text, payment.currency) : say.quantity(text));
  const facts: [string, ReactNode][] = [[say("held.reason"), say.code("held", reason)]];
  if (told?.facts.value && told.facts.limit) {
    facts.push([say("held.found"), figure(told.facts.value)], [say("held.bound"), figure(told.facts.limit)]);
  }
  if (told) facts.push([say("held.since"), say.instant(told.at)]);
  return (
    <section className="t-held">
      <h3>{say("held.title")}</h3>
      <p className="t-stale">{say("held.state")}</p>
      <Facts facts={facts} />
      <WithReason
        name={say("held.release")}
        sure={say("held.release_sure", { number, amount: say.money({ amount: payment.amount, currency: payment.currency }) })}
        look="t-main"
        act={release}
      />
    </section>
  );
}

/** The alert that told of it has the figures, and when it was. */
function useTold(invoice: Invoice, reason: string) {
  const alerts = useRead(["alerts", "payment.held", invoice.customer], (api) =>
    api.engine.GET("/v1/alerts", { params: { query: { customer: invoice.customer, kind: "payment.held", limit: 100 } } }),
  );
  const names = [invoice.number, invoice.id];
  return alerts.data?.data.find(({ facts }) => facts.held_for === reason && names.includes(facts.invoice ?? ""));
}

/** Takes the focus where it has just come in the place of the button, so that it is read. */
function Released({ at }: { at: string }) {
  const say = useSay();
  const shown = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) shown.current?.focus();
  }, []);
  return (
    <p className="t-quiet" tabIndex={-1} ref={shown}>
      {say("held.released", { at: say.instant(at) })}
    </p>
  );
}
