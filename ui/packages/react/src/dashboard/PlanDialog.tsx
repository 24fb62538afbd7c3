import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useAct } from "../data/api.js";
import { backFromProvider, here } from "../data/back.js";
import { type Plan, usePlans, useSubscription } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { Choice } from "../parts/Search.js";
import { PlanCard } from "./PlanCard.js";
import { PlanPreview } from "./PlanPreview.js";

type Preview = Schemas["ActPreviewShown"];

/** The plans side by side; the one that is chosen is shown with what it costs, and only then made. */
export function PlanDialog({ onClose }: { onClose: () => void }) {
  const say = useSay();
  const plans = usePlans();
  const subscription = useSubscription().data;
  const [preview, setPreview] = useState<Preview | null>(null);
  const [interval, setInterval] = useState(subscription?.interval ?? "month");
  const [wanted, setCurrency] = useState(subscription?.currency ?? null);
  const currencies = [...new Set(plans.data?.data.flatMap((plan) => plan.charges.flatMap((each) => each.prices.map((price) => String(price.currency)))))];
  const currency = wanted ?? currencies[0] ?? null;
  const subscribed = subscription !== undefined && subscription.status !== "none" && subscription.status !== "canceled";

  const look = useAct(
    (api, plan: string) => api.user.POST("/billing/subscription/preview", { body: { plan, interval } }),
    setPreview,
    true,
  );
  const end = useAct((api) => api.user.POST("/billing/subscription/cancel/preview", { body: { at: "period_end", credit_unused: false } }), setPreview, true);
  const subscribe = useAct(
    (api, plan: string) =>
      api.user.POST("/billing/checkout", { body: { plan, interval, currency, success_url: backFromProvider(), cancel_url: here() } }),
    (answer) => location.assign(answer.url),
    true,
  );
  const error = look.error ?? end.error ?? subscribe.error;
  const busy = look.isPending || end.isPending || subscribe.isPending;
  const choose = (plan: Plan) => (subscribed ? look : subscribe).mutate(plan.key);

  if (preview) {
    return (
      <Dialog title={say("preview.title")} onClose={onClose}>
        <PlanPreview preview={preview} plans={plans.data?.data ?? []} onBack={() => setPreview(null)} onDone={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title={say(subscribed ? "plan.change" : "plan.choose")} onClose={onClose}>
      <p className="t-quiet">{say("plan.compare")}</p>
      {error && <Failure error={error} title={say("common.not_done")} />}
      <Loaded query={plans}>
        {({ data }) => (
          <>
            <div className="t-actions">
              <Choice
                label={say("plan.interval")}
                value={interval}
                options={[...new Set(data.flatMap((plan) => plan.intervals))].map((each) => [each, say("plan.every", { interval: say.code("interval", each) })])}
                choose={setInterval}
              />
              {!subscribed && currencies.length > 1 && (
                <Choice
                  label={say("plan.currency")}
                  value={currency ?? ""}
                  options={currencies.map((each) => [each, each.toUpperCase()])}
                  choose={setCurrency}
                />
              )}
            </div>
            <ul className="t-plans">
              {data.map((plan) => (
                <PlanCard
                  key={plan.key}
                  plan={plan}
                  interval={interval}
                  currency={currency}
                  current={subscribed && plan.key === subscription.plan && interval === subscription.interval}
                  subscribed={subscribed}
                  busy={busy}
                  choose={() => choose(plan)}
                />
              ))}
            </ul>
            {subscribed && !subscription.cancel_at_period_end && (
              <button type="button" className="t-link" disabled={busy} onClick={() => end.mutate()}>
                {say("plan.cancel")}
              </button>
            )}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}
