import type { Plan } from "../data/reads.js";
import { type Say, useSay } from "../data/words.js";
import { Badge } from "../parts/Panel.js";

interface Props {
  plan: Plan;
  interval: string;
  currency: string | null;
  current: boolean;
  subscribed: boolean;
  busy: boolean;
  choose: () => void;
}

export function PlanCard({ plan, interval, currency, current, subscribed, busy, choose }: Props) {
  const say = useSay();
  const name = plan.name || plan.key;
  const offered = plan.intervals.includes(interval);
  return (
    <li className="t-plan" data-current={current}>
      <h3>
        {name} {current && <Badge status="active">{say("plan.current")}</Badge>}
      </h3>
      <ul className="t-plain">
        {pricesOf(plan, interval, currency, say).map(({ text, every }, place) => (
          <li key={text} className={place === 0 ? "t-price" : undefined}>
            {text} {every && <span className="t-quiet">{every}</span>}
          </li>
        ))}
        {plan.quotas.map((quota) => (
          <li key={quota.meter}>
            {quota.limit === "unlimited"
              ? say("plan.unlimited", { unit: quota.meter })
              : say("plan.included", { quantity: say.quantity(quota.limit), unit: quota.meter })}
          </li>
        ))}
        {plan.features.map((feature) => (
          <li key={feature}>{feature}</li>
        ))}
      </ul>
      {!current && (
        <button type="button" className="t-main" disabled={busy || !offered} onClick={choose}>
          {say(subscribed ? "plan.switch_to" : "plan.subscribe_to", { plan: name })}
        </button>
      )}
    </li>
  );
}

interface Line {
  text: string;
  every?: string;
}

/** One line for each charge: its price as its document has it, in the currency of the subscription. */
function pricesOf(plan: Plan, interval: string, currency: string | null, say: Say): Line[] {
  const lines = plan.charges.map((charge) => {
    const prices = charge.prices.filter((each) => !each.interval || each.interval === interval);
    const price = prices.find((each) => each.currency === currency) ?? prices[0];
    if (!price) return null;
    const code = String(price.currency);
    const name = charge.name || charge.meter || charge.key;
    if (price.model === "flat") return { text: say.price(String(price.amount), code), every: say("plan.every", { interval: say.code("interval", interval) }) };
    if (price.model === "per_unit") return { text: `${name}: ${say.price(String(price.unit_amount), code)}` };
    return { text: say("plan.priced", { meter: name, model: say.code("model", String(price.model)) }) };
  });
  const found = lines.filter((line) => line !== null);
  return found.length > 0 ? found : [{ text: say("plan.free") }];
}
