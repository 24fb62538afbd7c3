import type { Standing } from "../data/reads.js";
import { percentUsed } from "../data/format.js";
import { type Say, useSay } from "../data/words.js";

const NEAR = 80;

/** Bar, number, and what happens at the end of it, in words. */
export function QuotaMeter({ standing }: { standing: Standing }) {
  const say = useSay();
  const { meter, limit, used, remaining, reserved } = standing;
  const percent = limit === null ? 0 : percentUsed(used, limit);
  const kind = percent >= 100 ? "over" : percent >= NEAR ? "near" : "fine";
  const numbers = limit === null ? say.quantity(used) : say("usage.of", { used: say.quantity(used), limit: say.quantity(limit) });
  return (
    <div className="t-quota">
      <div className="t-row">
        <h3>{meter}</h3>
        <span className="t-number">
          {numbers}
        </span>
      </div>
      {limit !== null && (
        <div
          className="t-bar"
          data-kind={kind}
          role="meter"
          aria-label={meter}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.min(percent, 100)}
          aria-valuetext={say("usage.percent", { percent })}
        >
          <svg aria-hidden="true" width="100%" height="10" preserveAspectRatio="none" viewBox="0 0 100 10">
            <rect width={Math.min(percent, 100)} height="10" />
          </svg>
        </div>
      )}
      <p className="t-quiet">
        {limit !== null && <strong>{say("usage.percent", { percent: say.whole(percent) })}</strong>}
        {remaining !== null && percent < 100 && <> · {say("usage.left", { remaining: say.quantity(remaining) })}</>}
        {reserved !== "0" && <> · {say("usage.reserved", { reserved: say.quantity(reserved) })}</>}
      </p>
      <p className={kind === "over" ? "t-warn" : "t-quiet"}>{atTheEnd(standing, percent, say)}</p>
    </div>
  );
}

function atTheEnd({ limit, policy, resets_at }: Standing, percent: number, say: Say): string {
  if (limit === null) return say("usage.unlimited");
  const over = percent >= 100;
  if (policy === "soft") return say(over ? "usage.over_soft" : "usage.soft");
  if (resets_at === null) return say(over ? "usage.over_hard_never" : "usage.hard_never");
  return say(over ? "usage.over_hard" : "usage.hard", { at: say.day(resets_at) });
}
