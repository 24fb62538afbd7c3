import type { Schemas } from "@tallystick/client";
import { eventAsCurl } from "../data/curl.js";
import type { Say } from "../data/words.js";
import { Copy } from "../parts/Copy.js";
import { Instant } from "../parts/Instant.js";
import { Badge } from "../parts/Panel.js";
import type { Column } from "../parts/Table.js";

type Event = Schemas["EventShown"];
type Verdict = Schemas["VerdictShown"];

export function eventColumns(say: Say): Column<Event>[] {
  return [
    { name: say("events.id"), cell: (row) => <code>{row.id}</code> },
    { name: say("events.meter"), cell: (row) => row.meter },
    { name: say("events.quantity"), cell: (row) => say.quantity(row.quantity), number: true },
    { name: say("events.at"), cell: (row) => <Instant at={row.at} /> },
    { name: say("events.verdict"), cell: () => <Badge status="recorded">{say("status.recorded")}</Badge> },
    { name: say("events.curl"), cell: (row) => <Copy text={eventAsCurl(row)} label={say("events.curl")} /> },
  ];
}

export function verdictColumns(say: Say): Column<Verdict>[] {
  return [
    { name: say("events.recorded_at"), cell: (row) => <time dateTime={row.at}>{say.second(row.at)}</time> },
    { name: say("events.id"), cell: (row) => <code>{row.id || "–"}</code> },
    { name: say("events.verdict"), cell: (row) => <Badge status={row.verdict}>{say.code("status", row.verdict)}</Badge> },
    { name: say("events.why"), cell: (row) => <span className="t-why">{row.reason ?? "–"}</span> },
    { name: say("events.customer"), cell: (row) => (row.event ? <code>{row.event.customer}</code> : say("events.unreadable")) },
    { name: say("events.quantity"), cell: (row) => (row.event ? `${say.quantity(row.event.quantity)} ${row.event.meter}` : "–") },
    { name: say("events.curl"), cell: (row) => (row.event ? <Copy text={eventAsCurl(row.event)} label={say("events.curl")} /> : "–") },
  ];
}
