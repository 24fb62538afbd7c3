import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useAct, useRead } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { Instant } from "../parts/Instant.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Badge, Facts, Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";

type Comparison = Schemas["ReconciliationShown"];
type Finding = Schemas["FindingShown"];

/** Each comparison of the provider's half with ours, and what it found; a new one is made by the worker. */
export function DriftPanel() {
  const say = useSay();
  const tell = useTell();
  const at = useCursor();
  const [opened, setOpened] = useState<string>();
  const [repairing, setRepairing] = useState(false);
  const found = useRead(
    ["reconciliations", at.cursor],
    (api) => api.engine.GET("/v1/reconciliations", { params: { query: { limit: 10, cursor: at.cursor } } }),
    { live: true, waits: (page) => page?.data.some((each) => each.status === "waiting") ?? false },
  );
  const compare = useAct(
    (api, repair: boolean) => api.engine.POST("/v1/reconcile", { body: { repair } }),
    () => {
      setRepairing(false);
      tell(say("drift.asked"));
    },
  );
  const buttons = (
    <>
      <button type="button" disabled={compare.isPending} onClick={() => compare.mutate(false)}>
        {say("drift.compare")}
      </button>{" "}
      <button type="button" disabled={compare.isPending} onClick={() => setRepairing(true)}>
        {say("drift.repair")}
      </button>
    </>
  );
  return (
    <Panel title={say("drift.title")} aside={buttons} wide>
      <p className="t-quiet">{say("drift.hint")}</p>
      <Loaded query={found} empty={{ when: (page) => page.data.length === 0, title: say("drift.empty"), hint: say("drift.empty_hint") }}>
        {(page) => <Table caption={say("drift.title")} columns={columnsOf(say, setOpened)} rows={page.data} keyOf={(row) => row.id} />}
      </Loaded>
      <Pager query={found} at={at} />
      {compare.error && <Failure error={compare.error} title={say("common.not_done")} />}
      {opened && <Detail id={opened} onClose={() => setOpened(undefined)} />}
      {repairing && (
        <Dialog title={say("drift.repair")} onClose={() => setRepairing(false)}>
          <p>{say("drift.repair_sure")}</p>
          <div className="t-actions">
            <button type="button" className="t-main" disabled={compare.isPending} onClick={() => compare.mutate(true)}>
              {say("drift.repair_do")}
            </button>
            <button type="button" onClick={() => setRepairing(false)}>
              {say("common.cancel")}
            </button>
          </div>
        </Dialog>
      )}
    </Panel>
  );
}

function columnsOf(say: Say, open: (id: string) => void): Column<Comparison>[] {
  return [
    { name: say("drift.at"), cell: (row) => <Instant at={row.at} /> },
    { name: say("drift.state"), cell: (row) => <State of={row} /> },
    { name: say("drift.differs"), cell: (row) => say.whole(row.differs), number: true },
    { name: say("drift.repaired"), cell: (row) => (row.repair ? say.whole(row.repaired) : "–"), number: true },
    { name: say("drift.equal"), cell: (row) => say.whole(Object.values(row.equal).reduce((sum, each) => sum + each, 0)), number: true },
    { name: say("drift.actor"), cell: (row) => row.actor },
    {
      name: say("drift.open"),
      cell: (row) =>
        row.status === "waiting" ? (
          "–"
        ) : (
          <button type="button" className="t-link" aria-label={say("drift.open_it", { at: say.instant(row.at) })} onClick={() => open(row.id)}>
            {say("drift.open")}
          </button>
        ),
    },
  ];
}

function State({ of: row }: { of: Comparison }) {
  const say = useSay();
  const state = row.status === "waiting" ? "waiting" : row.differs > 0 ? "differing" : "same";
  return <Badge status={{ waiting: "waiting", differing: "failed", same: "paid" }[state]}>{say(`drift.${state}`)}</Badge>;
}

function Detail({ id, onClose }: { id: string; onClose: () => void }) {
  const say = useSay();
  const found = useRead(["reconciliation", id], (api) =>
    api.engine.GET("/v1/reconciliations/{reconciliation_id}", { params: { path: { reconciliation_id: id } } }),
  );
  return (
    <Dialog title={say("drift.title")} onClose={onClose}>
      <Loaded query={found}>
        {(whole) => (
          <>
            <Facts
              facts={[
                [say("drift.at"), <Instant key="at" at={whole.at} />],
                [say("drift.since"), <Instant key="since" at={whole.since} />],
                ...Object.entries(whole.equal).map(([part, count]): [string, string] => [
                  say.code("drift_part", part),
                  say("drift.equal_of", { count: say.whole(count) }),
                ]),
              ]}
            />
            {whole.findings.length === 0 ? (
              <p>{say("drift.nothing")}</p>
            ) : (
              <Table caption={say("drift.findings")} columns={findingColumns(say)} rows={whole.findings} keyOf={(row) => `${row.part} ${row.subject} ${row.ref}`} />
            )}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

function findingColumns(say: Say): Column<Finding>[] {
  return [
    {
      name: say("drift.what"),
      cell: (row) => (
        <>
          {say.code("drift_part", row.part)} <code>{row.subject}</code>
          <div className="t-quiet t-small">{row.ref}</div>
        </>
      ),
    },
    { name: say("drift.ours"), cell: (row) => row.ours ?? say("drift.absent") },
    { name: say("drift.theirs"), cell: (row) => row.theirs ?? say("drift.absent") },
    { name: say("drift.why"), cell: (row) => <span className="t-why">{row.left ?? row.reason}</span> },
    {
      name: say("drift.state"),
      cell: (row) => {
        const state = row.verdict === "repaired" ? "mended" : row.repairable ? "mendable" : "people";
        return <Badge status={{ mended: "paid", mendable: "waiting", people: "failed" }[state]}>{say(`drift.${state}`)}</Badge>;
      },
    },
  ];
}
