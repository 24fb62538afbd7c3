import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useRead } from "../data/api.js";
import { datesBetween } from "../data/period.js";
import { useSay } from "../data/words.js";
import { Charted, CurrencyChoice } from "../parts/Charted.js";
import { Freshness } from "../parts/Freshness.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { FailuresPanel } from "./FailuresPanel.js";
import { ChurnPanel, RecurringPanel, short } from "./RecurringPanels.js";
import { TopCustomersPanel } from "./TopCustomersPanel.js";

type By = "day" | "month";
type Revenue = Schemas["RevenueShown"];

/** How the business does: what was earned, what recurs, who leaves, what fails. */
export function RevenueSection({ open }: { open: (customer: string) => void }) {
  return (
    <>
      <EarnedPanel />
      <RecurringPanel />
      <ChurnPanel />
      <FailuresPanel />
      <TopCustomersPanel open={open} />
      <SubscriptionsPanel />
    </>
  );
}

function EarnedPanel() {
  const say = useSay();
  const [by, setBy] = useState<By>("day");
  const revenue = useRead(["revenue", by], (api) => api.engine.GET("/v1/reports/revenue", { params: { query: { by } } }), { live: true });
  return (
    <Panel title={say("revenue.title")} aside={<Freshness query={revenue} />} wide>
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
            <Earned revenue={found} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Earned({ revenue: { by, first, last, data } }: { revenue: Revenue }) {
  const say = useSay();
  const [chosen, choose] = useState<string>();
  const currencies = [...new Set(data.map((each) => each.revenue.currency))].sort();
  const currency = chosen && currencies.includes(chosen) ? chosen : (currencies[0] ?? "");
  const amounts = new Map(data.filter((each) => each.revenue.currency === currency).map((each) => [each.date, each.revenue.amount]));
  const rows = datesBetween(first, last, by).map((date) => ({ date, revenue: { amount: amounts.get(date) ?? 0, currency } }));
  const label = (date: string) => (by === "month" ? short(say, date) : say.day(date, { dateStyle: undefined, month: "numeric", day: "numeric" }));
  return (
    <Charted
      caption={say(by === "day" ? "revenue.by_day" : "revenue.by_month")}
      bars={rows.map((row) => ({ key: row.date, label: label(row.date), text: say.money(row.revenue), value: row.revenue.amount }))}
      tick={(value) => say.axis({ amount: value, currency })}
      columns={[
        { name: say(by === "day" ? "revenue.date" : "revenue.month"), cell: (row) => (by === "day" ? say.day(row.date) : say.month(row.date)) },
        { name: say("revenue.total"), cell: (row) => say.money(row.revenue), number: true },
      ]}
      rows={rows}
      keyOf={(row) => row.date}
    >
      <CurrencyChoice currencies={currencies} value={currency} choose={choose} />
    </Charted>
  );
}

function SubscriptionsPanel() {
  const say = useSay();
  const business = useRead(["business"], (api) => api.engine.GET("/v1/reports/business"), { live: true });
  return (
    <Panel title={say("revenue.subscriptions")}>
      <Loaded query={business}>
        {(found) => (
          <>
            <p className="t-figure">{say.whole(found.subscriptions_now)}</p>
            <p className="t-quiet">
              {say("revenue.last12")}: {say("revenue.at_start", { count: say.whole(found.subscriptions_at_start) })} · {say("revenue.ended")}:{" "}
              {say.whole(found.ended)}
            </p>
          </>
        )}
      </Loaded>
    </Panel>
  );
}
