import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useAct, useRead } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Instant } from "../parts/Instant.js";
import { Badge, Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";
import { NewKey } from "./NewKey.js";

type Key = Schemas["ApiKeyShown"];

export function KeysSection() {
  const say = useSay();
  const at = useCursor();
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const keys = useRead(["keys", at.cursor], (api) => api.engine.GET("/v1/api-keys", { params: { query: { limit: 25, cursor: at.cursor } } }));
  const make = (
    <button type="button" className="t-main" onClick={() => setMaking(true)}>
      {say("keys.make")}
    </button>
  );
  return (
    <Panel title={say("keys.title")} aside={make} wide>
      <Loaded query={keys} empty={{ when: (page) => page.data.length === 0, title: say("keys.empty"), hint: say("keys.empty_hint") }}>
        {(page) => <Table caption={say("keys.title")} columns={columnsOf(say, setRevoking)} rows={page.data} keyOf={(row) => row.key_id} />}
      </Loaded>
      <Pager query={keys} at={at} />
      {making && <NewKey onClose={() => setMaking(false)} />}
      {revoking && <Revoke of={revoking} onClose={() => setRevoking(null)} />}
    </Panel>
  );
}

function columnsOf(say: Say, revoke: (key: Key) => void): Column<Key>[] {
  return [
    {
      name: say("keys.name"),
      cell: (row) => (
        <>
          {row.name}
          <div className="t-quiet t-small">{row.key_id}</div>
        </>
      ),
    },
    { name: say("keys.scopes"), cell: (row) => row.scopes.join(", ") },
    { name: say("keys.used"), cell: (row) => (row.last_used_at ? <Instant at={row.last_used_at} /> : say("keys.never")) },
    { name: say("keys.expires"), cell: (row) => (row.expires_at ? say.day(row.expires_at) : say("keys.never")) },
    {
      name: say("keys.state"),
      cell: (row) => {
        const state = row.revoked_at ? "revoked" : row.expires_at && Date.parse(row.expires_at) <= Date.now() ? "expired" : "active";
        return <Badge status={state}>{say(`keys.${state}`)}</Badge>;
      },
    },
    {
      name: say("keys.revoke_it"),
      cell: (row) =>
        row.revoked_at ? (
          "–"
        ) : (
          <button type="button" className="t-link" aria-label={say("keys.revoke", { name: row.name })} onClick={() => revoke(row)}>
            {say("keys.revoke_it")}
          </button>
        ),
    },
  ];
}

function Revoke({ of: key, onClose }: { of: Key; onClose: () => void }) {
  const say = useSay();
  const revoke = useAct((api) => api.engine.DELETE("/v1/api-keys/{key_id}", { params: { path: { key_id: key.key_id } } }), onClose);
  return (
    <Dialog title={say("keys.revoke", { name: key.name })} onClose={onClose}>
      <p>{say("keys.revoke_sure", { name: key.name })}</p>
      {revoke.error && <Failure error={revoke.error} title={say("common.not_done")} />}
      <div className="t-actions">
        <button type="button" className="t-danger" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
          {say("keys.revoke_it")}
        </button>
        <button type="button" onClick={onClose}>
          {say("common.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
