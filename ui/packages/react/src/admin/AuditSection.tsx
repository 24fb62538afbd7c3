import type { Schemas } from "@tallystick/client";
import { useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Instant } from "../parts/Instant.js";
import { Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";

type Act = Schemas["ActShown"];

export function AuditSection() {
  const say = useSay();
  const at = useCursor();
  const acts = useRead(["audit", at.cursor], (api) => api.engine.GET("/v1/audit", { params: { query: { limit: 25, cursor: at.cursor } } }));
  const columns: Column<Act>[] = [
    { name: say("audit.at"), cell: (row) => <Instant at={row.at} /> },
    { name: say("audit.actor"), cell: (row) => <code>{row.actor}</code> },
    { name: say("audit.action"), cell: (row) => row.action },
    { name: say("audit.subject"), cell: (row) => <code>{row.subject}</code> },
    { name: say("audit.change"), cell: (row) => <span className="t-why">{changed(row)}</span> },
    { name: say("audit.reason"), cell: (row) => row.reason ?? "–" },
  ];
  return (
    <Panel title={say("audit.title")} wide>
      <Loaded query={acts} empty={{ when: (page) => page.data.length === 0, title: say("audit.empty"), hint: say("audit.empty_hint") }}>
        {(page) => <Table caption={say("audit.title")} columns={columns} rows={page.data} keyOf={(row) => String(row.seq)} />}
      </Loaded>
      <Pager query={acts} at={at} />
    </Panel>
  );
}

/** Only what differs: `limit: 5 → 10`. */
export function changed({ before, after }: Pick<Act, "before" | "after">): string {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const text = (value: unknown) => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));
  const parts = names
    .filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .map((name) => (before ? `${name}: ${text(before[name])} → ${text(after?.[name])}` : `${name}: ${text(after?.[name])}`));
  return parts.join("; ") || "–";
}
