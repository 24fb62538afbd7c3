import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useAct, useRead } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Copy } from "../parts/Copy.js";
import { Freshness } from "../parts/Freshness.js";
import { Instant } from "../parts/Instant.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Facts, Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { type Column, Table } from "../parts/Table.js";

type Job = Schemas["JobShown"];
const NOT_YET = "not known yet"; // what the worker writes where it will look again
const STATES = ["dead", "failing", "waiting", "running"] as const;

/** What is left to do outside, how late it is, what fails and what was given up: one of it can be done now, or all anew. */
export function JobsSection() {
  const say = useSay();
  const tell = useTell();
  const [status, setStatus] = useState<(typeof STATES)[number]>("dead");
  const jobs = useRead(["jobs", status], (api) => api.engine.GET("/v1/jobs", { params: { query: { status } } }), { live: true });
  const all = useAct(
    (api) => api.engine.POST("/v1/jobs/retry"),
    (answer) => tell(say("jobs.retried", { count: answer.retried })),
  );
  const one = useAct(
    (api, id: string) => api.engine.POST("/v1/jobs/{job_id}/retry", { params: { path: { job_id: id } } }),
    () => tell(say("jobs.retried", { count: 1 })),
  );
  const busy = all.isPending || one.isPending;
  return (
    <Panel title={say("jobs.title")} aside={<Freshness query={jobs} />} wide>
      <Loaded query={jobs}>{(found) => <Backlog of={found} />}</Loaded>
      <Choice
        label={say("jobs.state")}
        value={status}
        options={STATES.map((each): [string, string] => [each, say(`jobs.${each}`)])}
        choose={(value) => setStatus(STATES.find((each) => each === value) ?? "dead")}
      />
      <Loaded query={jobs} empty={{ when: (found) => found.data.length === 0, title: say(`jobs.${status}_empty`), hint: say("jobs.empty_hint") }}>
        {(found) => (
          <>
            <Table caption={say(`jobs.${status}`)} columns={columnsOf(say, busy, one.mutate)} rows={found.data} keyOf={(row) => row.id} />
            {status === "dead" && (
              <button type="button" disabled={busy} onClick={() => all.mutate()}>
                {say("jobs.retry")}
              </button>
            )}
          </>
        )}
      </Loaded>
      {(all.error ?? one.error) && <Failure error={all.error ?? one.error} title={say("common.not_done")} />}
    </Panel>
  );
}

function Backlog({ of: found }: { of: Schemas["JobsShown"] }) {
  const say = useSay();
  return (
    <Facts
      facts={[
        [say("jobs.due"), say.whole(found.due)],
        [say("jobs.lag"), say("jobs.seconds", { count: found.lag_seconds })],
        [say("jobs.dead"), say.whole(found.dead)],
        [say("jobs.worker"), found.worker_seen_at ? <Instant at={found.worker_seen_at} /> : say("jobs.never")],
      ]}
    />
  );
}

function columnsOf(say: Say, busy: boolean, retry: (id: string) => void): Column<Job>[] {
  return [
    { name: say("jobs.kind"), cell: (row) => say.code("job", row.name) },
    { name: say("jobs.subject"), cell: (row) => <code>{row.subject}</code> },
    { name: say("jobs.attempts"), cell: (row) => say.whole(row.attempts), number: true },
    { name: say("jobs.run_at"), cell: (row) => <Instant at={row.run_at} /> },
    {
      name: say("jobs.error"),
      cell: (row) => (
        <>
          <span className="t-why">{row.error === NOT_YET ? say("jobs.not_yet") : (row.error ?? "–")}</span>
          {row.request_ids.map((id) => (
            <div key={id} className="t-quiet t-small">
              {say("jobs.request")} <code>{id}</code> <Copy text={id} />
            </div>
          ))}
        </>
      ),
    },
    {
      name: say("jobs.now"),
      cell: (row) =>
        row.status === "running" ? (
          "–"
        ) : (
          <button type="button" className="t-link" disabled={busy} aria-label={say("jobs.now_it", { subject: row.subject })} onClick={() => retry(row.id)}>
            {say("jobs.now")}
          </button>
        ),
    },
  ];
}
