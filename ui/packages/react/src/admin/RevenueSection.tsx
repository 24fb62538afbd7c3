import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useRead } from "../data/api.js";
import { daysAgo } from "../data/period.js";
import { useSay } from "../data/words.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { type Column, Table } from "../parts/Table.js";

type By = "day" | "month";
type Part = Schemas["RevenuePart"];
type Decline = Schemas["DeclineCount"];

const DAYS = { day: 29, month: 364 };

export function RevenueSection() {
  const say = useSay();
  const [by, setBy] = useState<By>("day");
  const from = daysAgo(DAYS[by]);
  const until = daysAgo(-1);
  const revenue = useRead(["revenue", by, from], (api) => api.engine.GET("/v1/reports/revenue", { params: { query: { from, until, by } } }));
  const business = useRead(["business", from], (api) => api.engine.GET("/v1/reports/business", { params: { query: { from, until } } }));
  const columns: Column<Part>[] = [
    {
      name: say(by === "day" ? "revenue.date" : "revenue.month"),
      cell: (row) => (by === "day" ? say.day(row.date) : say.day(row.date, { dateStyle: undefined, year: "numeric", month: "long" })),
    },
    { name: say("revenue.total"), cell: (row) => say.money(row.revenue), number: true },
  ];
  return (
    <>
      <Panel title={say("revenue.title")} wide>
        <Choice
          label={say(by === "day" ? "revenue.last30" : "revenue.last12")}
          value={by}
          options={[
            ["day", say("revenue.by_day")],
            ["month", say("revenue.by_month")],
          ]}
          choose={(value) => setBy(value === "month" ? "month" : "day")}
        />
        <Loaded query={revenue} empty={{ when: (found) => found.data.length === 0, title: say("revenue.empty"), hint: say("revenue.empty_hint") }}>
          {(found) => (
            <>
              <p className="t-figure">{found.totals.map(say.money).join(" + ")}</p>
              <Table caption={say("revenue.title")} columns={columns} rows={found.data} keyOf={(row) => `${row.date} ${row.revenue.currency}`} />
            </>
          )}
        </Loaded>
      </Panel>
      <Panel title={say("revenue.subscriptions")}>
        <Loaded query={business}>
          {(found) => (
            <>
              <p className="t-figure">{say.whole(found.subscriptions_now)}</p>
              <p className="t-quiet">
                {say("revenue.at_start", { count: say.whole(found.subscriptions_at_start) })} · {say("revenue.ended")}: {say.whole(found.ended)}
              </p>
            </>
          )}
        </Loaded>
      </Panel>
      <Panel title={say("revenue.failed")}>
        <Loaded query={business}>{(found) => <Failures found={found} />}</Loaded>
      </Panel>
    </>
  );
}

function Failures({ found }: { found: Schemas["BusinessShown"] }) {
  const say = useSay();
  const all = Object.values(found.payments).reduce((sum, each) => sum + each, 0);
  const failed = found.declines.reduce((sum, each) => sum + each.count, 0);
  const columns: Column<Decline>[] = [
    { name: say("revenue.reason"), cell: (row) => say.code("decline", row.code) },
    { name: say("revenue.count"), cell: (row) => say.whole(row.count), number: true },
  ];
  return (
    <>
      <p className="t-figure">{say.whole(failed)}</p>
      <p className="t-quiet">{say("revenue.of_payments", { count: say.whole(all) })}</p>
      {failed === 0 ? (
        <p>{say("revenue.no_failures")}</p>
      ) : (
        <Table caption={say("revenue.reasons")} columns={columns} rows={found.declines} keyOf={(row) => row.code} />
      )}
    </>
  );
}
