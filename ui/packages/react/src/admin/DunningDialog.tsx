import { useAct, useRead } from "../data/api.js";
import { type Dunning, useExplanation } from "../data/reads.js";
import { type Say, useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Badge, Facts } from "../parts/Panel.js";
import { HeldPayment } from "./HeldPayment.js";
import { WithReason } from "./WithReason.js";

/** One failed payment: every attempt and letter in their order, what happens next, and how to stop it. */
export function DunningDialog({ of, onClose }: { of: Dunning; onClose: () => void }) {
  const say = useSay();
  const number = of.number ?? of.invoice;
  const query = useRead(
    ["dunning", of.invoice],
    (api) => api.engine.GET("/v1/dunning/{invoice_id}", { params: { path: { invoice_id: of.invoice } } }),
    { live: true },
  );
  const explanation = useExplanation(of.invoice).data;
  return (
    <Dialog title={number} onClose={onClose}>
      <Loaded query={query}>
        {(found) => (
          <>
            <Facts
              facts={[
                [say("invoices.customer"), <code key="customer">{found.customer}</code>],
                [say("invoices.total"), say.money({ amount: found.total, currency: found.currency })],
                [say("dunning.state"), <Badge key="state" status={found.state}>{say.code("dunning", found.state)}</Badge>],
                [say("dunning.reason"), say.code("decline", found.code)],
                [say("dunning.ask"), say.code("dunning", `ask_${found.ask}`)],
              ]}
            />
            {explanation && <HeldPayment of={explanation} />}
            <h3>{say("dunning.course")}</h3>
            <ol className="t-timeline">
              {stepsOf(found, say).map((step) => (
                <li key={`${step.text} ${step.at}`} data-kind={step.kind}>
                  <span>{step.text}</span> {step.at && <time dateTime={step.at}>{say.instant(step.at)}</time>}
                </li>
              ))}
            </ol>
            {found.state !== "over" && <Stop invoice={found.invoice} number={number} done={onClose} />}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

interface Step {
  text: string;
  at: string | null;
  kind: "done" | "wrong" | "next";
}

export function stepsOf(found: Dunning, say: Say): Step[] {
  const tries = (found.attempts ?? []).map((each): Step => {
    const cause = say.code("dunning", `cause_${each.cause}`);
    return each.code
      ? { text: say("dunning.failed", { cause, reason: say.code("decline", each.code) }), at: each.failed_at ?? each.begun_at, kind: "wrong" }
      : { text: cause, at: each.begun_at, kind: "done" };
  });
  const letters = (found.letters ?? []).map((each): Step => {
    const letter = say(each.type === "payment.given_up" ? "dunning.letter_given_up" : "dunning.letter_failed");
    const status = say.code("dunning", `letter_${each.status === "failed" ? "not_sent" : (each.status ?? "none")}`);
    return { text: say("dunning.letter", { letter, status }), at: each.at, kind: each.status === "failed" ? "wrong" : "done" };
  });
  const told = [...tries, ...letters].sort((left, right) => Date.parse(left.at ?? "") - Date.parse(right.at ?? ""));
  return [...told, { text: say.code("dunning", `then_${found.state}`), at: found.next_at, kind: found.state === "over" ? "done" : "next" }];
}

/** To void the invoice is what ends it: it is asked for no more. */
function Stop({ invoice, number, done }: { invoice: string; number: string; done: () => void }) {
  const say = useSay();
  const tell = useTell();
  const stop = useAct(
    (api, reason: string) => api.engine.POST("/v1/invoices/{invoice_id}/void", { params: { path: { invoice_id: invoice } }, body: { reason } }),
    () => {
      tell(say("dunning.stopped", { number }));
      done();
    },
  );
  return <WithReason name={say("dunning.stop")} sure={say("dunning.stop_sure", { number })} look="t-danger" act={stop} />;
}
