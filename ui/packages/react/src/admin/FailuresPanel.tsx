import type { Schemas } from "@tallystick/client";
import { useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Charted } from "../parts/Charted.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";
import { short } from "./RecurringPanels.js";

type Month = Schemas["PaymentMonthShown"];
type Decline = Schemas["DeclineCount"];

/** Which part of the payments fails, and why. */
export function FailuresPanel() {
  const say = useSay();
  const query = useRead(["payment-months"], (api) => api.engine.GET("/v1/reports/payments"), { live: true });
  return (
    <Panel title={say("failures.title")}>
      <Loaded
        query={query}
        empty={{ when: (found) => found.data.every((each) => each.tried === 0), title: say("failures.empty"), hint: say("failures.empty_hint") }}
      >
        {(found) => <Failures months={found.data} />}
      </Loaded>
    </Panel>
  );
}

function Failures({ months }: { months: Month[] }) {
  const say = useSay();
  const now = months.at(-1);
  const reasons = byReason(months);
  const share = (value: string | null) => (value === null ? "–" : say.percent(value));
  const columns: Column<Month>[] = [
    { name: say("figures.month"), cell: (row) => say.month(row.month) },
    { name: say("failures.tried"), cell: (row) => say.whole(row.tried), number: true },
    { name: say("failures.failed"), cell: (row) => say.whole(row.failed), number: true },
    { name: say("failures.share"), cell: (row) => share(row.failure_rate), number: true },
    { name: say("failures.recovered"), cell: (row) => say.whole(row.recovered), number: true },
  ];
  return (
    <>
      {now && (
        <>
          <p className="t-figure">{share(now.failure_rate)}</p>
          <p className="t-quiet">{say("failures.of", { failed: now.failed, count: now.tried, recovered: now.recovered, month: say.month(now.month) })}</p>
        </>
      )}
      <Charted
        caption={say("figures.by_month")}
        bars={months.map((row) => ({ key: row.month, label: short(say, row.month), text: share(row.failure_rate), value: Number(row.failure_rate ?? 0) }))}
        tick={(value) => say.percent(String(value))}
        columns={columns}
        rows={months}
        keyOf={(row) => row.month}
      />
      <h3>{say("failures.reasons")}</h3>
      {reasons.length === 0 ? (
        <p>{say("failures.none")}</p>
      ) : (
        <Table
          caption={say("failures.reasons")}
          columns={[
            { name: say("failures.reason"), cell: (row: Decline) => say.code("decline", row.code) },
            { name: say("failures.count"), cell: (row: Decline) => say.whole(row.count), number: true },
          ]}
          rows={reasons}
          keyOf={(row) => row.code}
        />
      )}
    </>
  );
}

/** Of all the months together, the most frequent first. */
export function byReason(months: Month[]): Decline[] {
  const counts = new Map<string, number>();
  for (const { code, count } of months.flatMap((each) => each.reasons)) counts.set(code, (counts.get(code) ?? 0) + count);
  return [...counts].map(([code, count]) => ({ code, count })).sort((left, right) => right.count - left.count);
}
