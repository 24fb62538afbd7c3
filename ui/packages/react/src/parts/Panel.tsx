import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  aside?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function Panel({ title, aside, wide = false, children }: Props) {
  const id = useId();
  return (
    <section className={wide ? "t-panel t-wide" : "t-panel"} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside && <div className="t-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

const GOOD = new Set(["active", "trialing", "paid", "recorded", "delivered", "enabled", "succeeded", "live", "settled", "ok"]);
const WRONG = new Set(["unpaid", "refused", "conflict", "uncollectible", "failed", "revoked", "disabled", "given_up", "parked", "unreachable"]);
const WAITING = new Set(["past_due", "open", "paused", "waiting", "processing", "duplicate", "expired", "again", "connecting", "retrying", "trying", "new", "unknown"]);

/** The word says it; the colour only says it again. */
export function Badge({ status, children }: { status: string; children: ReactNode }) {
  const kind = GOOD.has(status) ? "good" : WRONG.has(status) ? "wrong" : WAITING.has(status) ? "waiting" : "plain";
  return (
    <span className="t-badge" data-kind={kind}>
      {children}
    </span>
  );
}

export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="t-facts">
      {facts.map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}
