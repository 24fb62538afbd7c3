import type { Schemas } from "@tallystick/client";
import { useAct, useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Freshness } from "../parts/Freshness.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Facts, Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";

type Job = Schemas["JobShown"];

/** What is left to do outside, how late it is, and what was given up. */
export function JobsSection() {
  const say = useSay();
  const tell = useTell();
  const jobs = useRead(["jobs"], (api) => api.engine.GET("/v1/jobs"), { live: true });
  const retry = useAct(
    (api) => api.engine.POST("/v1/jobs/retry"),
    (answer) => tell(say("jobs.retried", { count: answer.retried })),
  );
  const columns: Column<Job>[] = [
    { name: say("jobs.kind"), cell: (row) => row.name },
    { name: say("jobs.subject"), cell: (row) => <code>{row.subject}</code> },
    { name: say("jobs.attempts"), cell: (row) => say.whole(row.attempts), number: true },
    { name: say("jobs.error"), cell: (row) => <span className="t-why">{row.error ?? "–"}</span> },
  ];
  return (
    <Panel title={say("jobs.title")} aside={<Freshness query={jobs} />} wide>
      <Loaded query={jobs}>
        {(found) => (
          <>
            <Facts
              facts={[
                [say("jobs.due"), say.whole(found.due)],
                [say("jobs.lag"), say("jobs.seconds", { count: found.lag_seconds })],
                [say("jobs.dead"), say.whole(found.dead)],
              ]}
            />
            <h3>{say("jobs.dead")}</h3>
            <Loaded query={jobs} empty={{ when: () => found.data.length === 0, title: say("jobs.empty"), hint: say("jobs.empty_hint") }}>
              {() => (
                <>
                  <Table caption={say("jobs.dead")} columns={columns} rows={found.data} keyOf={(row) => row.id} />
                  <button type="button" disabled={retry.isPending} onClick={() => retry.mutate()}>
                    {say("jobs.retry")}
                  </button>
                </>
              )}
            </Loaded>
          </>
        )}
      </Loaded>
      {retry.error && <Failure error={retry.error} title={say("common.not_done")} />}
    </Panel>
  );
}
