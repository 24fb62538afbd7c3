import { useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Freshness } from "../parts/Freshness.js";
import { Loaded } from "../parts/Loaded.js";
import { Badge, Facts, Panel } from "../parts/Panel.js";
import { DeliveriesPanel } from "./DeliveriesPanel.js";
import { DriftPanel } from "./DriftPanel.js";

/** The provider: whether it answers, where its half differs from ours, and what came in from it. */
export function ProviderSection() {
  return (
    <>
      <Standing />
      <DriftPanel />
      <DeliveriesPanel />
    </>
  );
}

function Standing() {
  const say = useSay();
  const ready = useRead(["ready"], (api) => api.engine.GET("/readyz"), { live: true });
  return (
    <Panel title={say("provider.title")} aside={<Freshness query={ready} />} wide>
      <Loaded query={ready}>
        {(found) => {
          const circuits = Object.entries(found.circuits);
          return (
            <>
              <Facts
                facts={[
                  [say("provider.name"), found.provider],
                  [say("provider.answers"), <Badge key="answers" status={found.provider_status}>{say(`provider.${found.provider_status}`)}</Badge>],
                  [say("provider.lag"), found.job_lag_seconds === null ? "–" : say("jobs.seconds", { count: found.job_lag_seconds })],
                  [say("provider.dead"), found.jobs_dead === null ? "–" : say.whole(found.jobs_dead)],
                ]}
              />
              <h3>{say("provider.circuits")}</h3>
              {circuits.length === 0 ? (
                <p className="t-quiet">{say("provider.circuits_closed")}</p>
              ) : (
                <Facts facts={circuits.map(([kind, state]) => [kind, <Badge key={kind} status="failed">{say.code("circuit", state)}</Badge>])} />
              )}
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}
