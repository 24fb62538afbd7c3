import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useAct, useRead } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Freshness } from "../parts/Freshness.js";
import { Instant } from "../parts/Instant.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Badge, Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { type Column, Table } from "../parts/Table.js";

type Delivery = Schemas["DeliveryShown"];
const STATES = ["parked", "new", "settled", "ignored"] as const;

/** What came in from the provider, and what became of it; each can be settled anew. */
export function DeliveriesPanel() {
  const say = useSay();
  const tell = useTell();
  const at = useCursor();
  const [status, setStatus] = useState<(typeof STATES)[number]>();
  const deliveries = useRead(
    ["deliveries", status, at.cursor],
    (api) => api.engine.GET("/v1/provider-events", { params: { query: { limit: 25, cursor: at.cursor, status } } }),
    { live: true },
  );
  const replay = useAct(
    (api, id: string) => api.engine.POST("/v1/provider-events/{delivery_id}/replay", { params: { path: { delivery_id: id } } }),
    () => tell(say("deliveries.replayed")),
  );
  const choose = (value: string) => {
    at.reset();
    setStatus(STATES.find((each) => each === value));
  };
  return (
    <Panel title={say("deliveries.title")} aside={<Freshness query={deliveries} />} wide>
      <Choice
        label={say("deliveries.state")}
        value={status ?? ""}
        options={[["", say("common.all")], ...STATES.map((each): [string, string] => [each, say(`deliveries.${each}`)])]}
        choose={choose}
      />
      <Loaded
        query={deliveries}
        empty={{ when: (page) => page.data.length === 0, title: say("deliveries.empty"), hint: say("deliveries.empty_hint") }}
      >
        {(page) => (
          <Table caption={say("deliveries.title")} columns={columnsOf(say, replay.isPending, replay.mutate)} rows={page.data} keyOf={(row) => row.id} />
        )}
      </Loaded>
      <Pager query={deliveries} at={at} />
      {replay.error && <Failure error={replay.error} title={say("common.not_done")} />}
    </Panel>
  );
}

function columnsOf(say: Say, busy: boolean, replay: (id: string) => void): Column<Delivery>[] {
  return [
    { name: say("deliveries.kind"), cell: (row) => row.kind },
    { name: say("deliveries.about"), cell: (row) => <code>{row.about ?? "–"}</code> },
    { name: say("deliveries.at"), cell: (row) => <Instant at={row.received_at} /> },
    { name: say("deliveries.state"), cell: (row) => <Badge status={row.status}>{say(`deliveries.${row.status}`)}</Badge> },
    { name: say("deliveries.reason"), cell: (row) => <span className="t-why">{row.reason ?? "–"}</span> },
    {
      name: say("deliveries.replay"),
      cell: (row) => (
        <button type="button" className="t-link" disabled={busy} aria-label={say("deliveries.replay_it", { id: row.id })} onClick={() => replay(row.id)}>
          {say("deliveries.replay")}
        </button>
      ),
    },
  ];
}
