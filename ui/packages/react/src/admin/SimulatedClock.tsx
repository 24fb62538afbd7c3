import { useAct, useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Failure } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";

/** In a business that is only played: what time it is there, and two buttons that let time pass. */
export function SimulatedClock() {
  const say = useSay();
  const tell = useTell();
  const clock = useRead(["clock"], (api) => api.engine.GET("/v1/clock"), { live: true });
  const advance = useAct(
    (api, until: string) => api.engine.POST("/v1/clock/advance", { body: { until } }),
    (answer) => tell(say("clock.moved", { at: say.instant(answer.now) })),
  );
  if (!clock.data?.simulated) return null;
  const now = new Date(clock.data.now);
  const pass = (days: number, months: number) => {
    const until = new Date(now);
    until.setUTCDate(until.getUTCDate() + days);
    until.setUTCMonth(until.getUTCMonth() + months);
    advance.mutate(until.toISOString());
  };
  return (
    <div className="t-banner t-clock" role="group" aria-label={say("clock.title")}>
      <span>{say("clock.now", { at: say.instant(clock.data.now) })}</span>
      <button type="button" disabled={advance.isPending} onClick={() => pass(1, 0)}>
        {say("clock.day")}
      </button>
      <button type="button" disabled={advance.isPending} onClick={() => pass(0, 1)}>
        {say("clock.month")}
      </button>
      {advance.isPending && <span aria-live="polite">{say("clock.passing")}</span>}
      {advance.error && <Failure error={advance.error} title={say("common.not_done")} />}
    </div>
  );
}
