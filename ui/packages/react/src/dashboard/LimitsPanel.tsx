import type { Schemas } from "@tallystick/client";
import { type FormEvent, useId, useState } from "react";
import { useAct } from "../data/api.js";
import { useEntitlements, useLimits, useOwnAlerts } from "../data/reads.js";
import { type Say, useSay } from "../data/words.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Panel } from "../parts/Panel.js";

type Alert = Schemas["AlertShown"];

export function LimitsPanel() {
  const say = useSay();
  const limits = useLimits();
  const alerts = useOwnAlerts();
  const granted = new Set(useEntitlements().data?.quotas.map((each) => each.meter));
  return (
    <Panel title={say("limits.title")} wide>
      <Loaded query={limits}>
        {({ cap, thresholds }) => (
          <>
            <div>
              <h3>{say("limits.cap")}</h3>
              {cap ? <Cap cap={cap} /> : <p>{say("limits.cap_none")}</p>}
            </div>
            {granted.size > 0 && (
              <div>
                <h3>{say("limits.told")}</h3>
                <p className="t-quiet">{say("limits.told_hint")}</p>
                {thresholds
                  .filter((each) => granted.has(each.meter))
                  .map((each) => (
                    <Thresholds key={each.meter} {...each} />
                  ))}
              </div>
            )}
          </>
        )}
      </Loaded>
      <div>
        <h3>{say("limits.recent")}</h3>
        <Loaded query={alerts}>
          {({ data }) =>
            data.length === 0 ? (
              <p className="t-quiet">{say("limits.empty")}</p>
            ) : (
              <ul className="t-plain">
                {data.map((alert) => (
                  <li key={alert.id}>
                    {alertInWords(alert, say)} <span className="t-quiet">{say.instant(alert.at)}</span>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </div>
    </Panel>
  );
}

function Cap({ cap }: { cap: Schemas["SpendShown"] }) {
  const say = useSay();
  const money = (amount: number) => say.money({ amount, currency: cap.currency });
  return (
    <>
      <p>{say("limits.cap_of", { spent: money(cap.spent), limit: money(cap.limit) })}</p>
      <p className="t-quiet">{cap.policy === "hard" ? say("limits.cap_hard", { day: say.day(cap.resets_at) }) : say("limits.cap_soft")}</p>
    </>
  );
}

export function alertInWords({ kind, subject, threshold }: Alert, say: Say): string {
  if (kind === "quota.threshold") return say("alert.quota", { subject, threshold });
  if (kind === "spend.threshold") return say("alert.spend", { threshold });
  if (kind === "spend.cap_reached") return say("alert.cap");
  if (kind === "usage.spike") return say("alert.spike", { subject, threshold });
  if (kind === "endpoint.disabled") return say("alert.endpoint", { subject });
  return kind;
}

function Thresholds({ meter, thresholds }: { meter: string; thresholds: number[] }) {
  const say = useSay();
  const tell = useTell();
  const id = useId();
  const [text, setText] = useState(thresholds.join(", "));
  const [wrong, setWrong] = useState(false);
  const save = useAct(
    (api, wanted: number[]) => api.user.PUT("/billing/alert-thresholds", { body: { meter, thresholds: wanted } }),
    () => tell(say("common.saved")),
  );
  const send = (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.split(/[,、\s]+/).filter(Boolean).map(Number);
    const bad = wanted.some((each) => !Number.isInteger(each) || each < 1 || each > 1000);
    setWrong(bad);
    if (!bad) save.mutate(wanted);
  };
  return (
    <form className="t-inline-form" onSubmit={send}>
      <label className="t-field" htmlFor={id}>
        <span>{say("limits.of_meter", { meter })}</span>
        <input id={id} value={text} inputMode="numeric" aria-invalid={wrong} aria-describedby={`${id}-wrong`} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit" disabled={save.isPending}>
        {say("common.save")}
      </button>
      <p id={`${id}-wrong`} className="t-warn" role="alert">
        {wrong && say("limits.wrong")}
      </p>
      {save.error && <Failure error={save.error} title={say("common.not_done")} />}
    </form>
  );
}
