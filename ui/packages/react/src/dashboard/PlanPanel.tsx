import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useAct } from "../data/api.js";
import { backFromProvider, isBack, stay } from "../data/back.js";
import { type Subscription, useCredits, useEntitlements, useSubscription } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Badge, Facts, Panel } from "../parts/Panel.js";
import { PlanDialog } from "./PlanDialog.js";

const NEWS_MS = 20_000; // within which it is heard of that a first payment failed, or that a new card has paid

export function PlanPanel() {
  const say = useSay();
  const subscription = useSubscription();
  const queries = useQueryClient();
  const status = subscription.data?.status;
  const begun = isBack() && status !== undefined && status !== "none";
  useEffect(() => {
    if (!begun) return;
    void queries.invalidateQueries();
    const later = setTimeout(stay, NEWS_MS);
    return () => clearTimeout(later);
  }, [begun, queries]);
  const [choosing, setChoosing] = useState(false);
  const choose = (word: "plan.choose" | "plan.change") => (
    <button type="button" className="t-main" onClick={() => setChoosing(true)}>
      {say(word)}
    </button>
  );
  return (
    <Panel title={say("plan.title")}>
      <Loaded
        query={subscription}
        empty={{
          when: (found) => found.status === "none",
          title: say(isBack() ? "plan.begins" : "plan.none"),
          hint: say(isBack() ? "plan.begins_hint" : "plan.none_hint"),
          action: isBack() ? undefined : choose("plan.choose"),
        }}
      >
        {(found) => (
          <>
            <Current subscription={found} />
            <div className="t-actions">
              {choose(found.status === "canceled" ? "plan.choose" : "plan.change")}
              <Portal />
            </div>
          </>
        )}
      </Loaded>
      <Credits />
      {choosing && <PlanDialog onClose={() => setChoosing(false)} />}
    </Panel>
  );
}

function Current({ subscription }: { subscription: Subscription }) {
  const say = useSay();
  const features = useEntitlements().data?.features ?? [];
  const period = subscription.current_period;
  const facts: [string, React.ReactNode][] = [];
  if (period) {
    facts.push([say("plan.period"), say("common.from_until", { from: say.day(period.from), until: say.day(period.until) })]);
  }
  if (features.length > 0) facts.push([say("plan.features"), features.join(" · ")]);
  return (
    <>
      <p className="t-figure">
        {subscription.plan_name} <Badge status={subscription.status}>{say.code("status", subscription.status)}</Badge>
      </p>
      <p>{whatComes(subscription, say)}</p>
      {(subscription.next_plan || subscription.cancel_at_period_end) && <Undo plan={subscription.plan_name ?? ""} />}
      <Facts facts={facts} />
    </>
  );
}

function whatComes(subscription: Subscription, say: ReturnType<typeof useSay>): string {
  const until = subscription.current_period ? say.day(subscription.current_period.until) : "";
  if (subscription.ended_at) return say("plan.ended", { day: say.day(subscription.ended_at) });
  if (subscription.cancel_at_period_end) return say("plan.ends", { day: until });
  if (subscription.next_plan) return say("plan.next", { plan: subscription.next_plan, day: until });
  return say("plan.renews", { day: until });
}

function Undo({ plan }: { plan: string }) {
  const say = useSay();
  const tell = useTell();
  const undo = useAct((api) => api.user.POST("/billing/subscription/undo"), () => tell(say("plan.undone")));
  return (
    <>
      <p>
        <button type="button" disabled={undo.isPending} onClick={() => undo.mutate()}>
          {say("plan.undo", { plan })}
        </button>
      </p>
      {undo.error && <Failure error={undo.error} title={say("common.not_done")} />}
    </>
  );
}

/** The provider's page, where cards are changed and receipts lie. */
export function Portal({ word = "plan.manage" }: { word?: "plan.manage" | "invoices.update_card" }) {
  const say = useSay();
  const open = useAct(
    (api) => api.user.POST("/billing/portal", { body: { return_url: backFromProvider() } }),
    (answer) => location.assign(answer.url),
    true,
  );
  return (
    <>
      <button type="button" disabled={open.isPending} title={say("plan.manage_hint")} onClick={() => open.mutate()}>
        {say(word)}
      </button>
      {open.error && <Failure error={open.error} title={say("common.not_done")} />}
    </>
  );
}

function Credits() {
  const say = useSay();
  const grants = useCredits().data?.data ?? [];
  if (grants.length === 0) return null;
  return (
    <div>
      <h3>{say("credits.title")}</h3>
      <ul className="t-plain">
        {grants.map((grant) => (
          <li key={grant.id}>
            {grant.name && `${grant.name}: `}
            {say("credits.left", {
              remaining: say.money({ amount: grant.remaining, currency: grant.currency }),
              amount: say.money({ amount: grant.amount, currency: grant.currency }),
            })}
            <span className="t-quiet"> · {grant.expires_at ? say("credits.expires", { day: say.day(grant.expires_at) }) : say("credits.never")}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
