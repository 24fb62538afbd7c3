import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useRead } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Charted, CurrencyChoice } from "../parts/Charted.js";
import { Freshness } from "../parts/Freshness.js";
import { Loaded } from "../parts/Loaded.js";
import { Facts, Panel } from "../parts/Panel.js";
import type { Column } from "../parts/Table.js";

type Month = Schemas["RecurringMonthShown"];
type Moved = "opening" | "new" | "expansion" | "contraction" | "churn" | "reactivation" | "mrr";

const MOVED: Moved[] = ["new", "expansion", "reactivation", "contraction", "churn"];

const useMrr = () => useRead(["mrr"], (api) => api.engine.GET("/v1/reports/mrr"), { live: true });

/** What recurs: now, by month, and what each month gained and lost. */
export function RecurringPanel() {
  const say = useSay();
  const query = useMrr();
  return (
    <Panel title={say("recurring.title")} aside={<Freshness query={query} />} wide>
      <p className="t-quiet">{say("recurring.hint")}</p>
      <Loaded query={query} empty={{ when: (found) => found.data.length === 0, title: say("recurring.empty"), hint: say("recurring.empty_hint") }}>
        {(found) => (
          <>
            <p className="t-figure">{found.mrr.map(say.money).join(" + ")}</p>
            <Recurring months={found.data} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Recurring({ months }: { months: Month[] }) {
  const say = useSay();
  const { shown, choice } = useCurrency(months);
  const now = shown.at(-1);
  const amount = (row: Month, of: Moved) => say.money({ amount: row[of], currency: row.currency });
  const columns: Column<Month>[] = [
    { name: say("figures.month"), cell: (row) => say.month(row.month) },
    ...(["opening", ...MOVED, "mrr"] as Moved[]).map((of) => ({ name: say(`recurring.${of}`), cell: (row: Month) => amount(row, of), number: true })),
  ];
  return (
    <>
      {now && (
        <>
          <h3>{say("recurring.moved", { month: say.month(now.month) })}</h3>
          <Facts facts={MOVED.map((of) => [say(`recurring.${of}`), amount(now, of)])} />
        </>
      )}
      <Charted
        caption={say("figures.by_month")}
        bars={shown.map((row) => ({ key: row.month, label: short(say, row.month), text: amount(row, "mrr"), value: row.mrr }))}
        tick={(value) => say.axis({ amount: value, currency: now?.currency ?? "usd" })}
        columns={columns}
        rows={shown}
        keyOf={(row) => row.month}
      >
        {choice}
      </Charted>
    </>
  );
}

/** How many customers leave, and which part of what recurs goes with them. */
export function ChurnPanel() {
  const say = useSay();
  const query = useMrr();
  return (
    <Panel title={say("churn.title")}>
      <Loaded query={query} empty={{ when: (found) => found.data.length === 0, title: say("recurring.empty"), hint: say("recurring.empty_hint") }}>
        {(found) => <Churn months={found.data} />}
      </Loaded>
    </Panel>
  );
}

function Churn({ months }: { months: Month[] }) {
  const say = useSay();
  const { shown, choice } = useCurrency(months);
  const now = shown.at(-1);
  const share = (value: string | null) => (value === null ? "–" : say.percent(value));
  const columns: Column<Month>[] = [
    { name: say("figures.month"), cell: (row) => say.month(row.month) },
    { name: say("churn.before"), cell: (row) => say.whole(row.customers_before), number: true },
    { name: say("churn.gained"), cell: (row) => say.whole(row.customers_new + row.customers_back), number: true },
    { name: say("churn.lost"), cell: (row) => say.whole(row.customers_lost), number: true },
    { name: say("churn.share"), cell: (row) => share(row.customer_churn), number: true },
    { name: say("churn.revenue"), cell: (row) => share(row.revenue_churn), number: true },
  ];
  return (
    <>
      {now && (
        <>
          <p className="t-figure">{share(now.customer_churn)}</p>
          <p className="t-quiet">{say("churn.of", { lost: now.customers_lost, count: now.customers_before, month: say.month(now.month) })}</p>
        </>
      )}
      <Charted
        caption={say("figures.by_month")}
        bars={shown.map((row) => ({ key: row.month, label: short(say, row.month), text: share(row.customer_churn), value: Number(row.customer_churn ?? 0) }))}
        tick={(value) => say.percent(String(value))}
        columns={columns}
        rows={shown}
        keyOf={(row) => row.month}
      >
        {choice}
      </Charted>
    </>
  );
}

export const short = (say: Say, month: string) => say.day(month, { dateStyle: undefined, year: "2-digit", month: "short" });

function useCurrency(months: Month[]) {
  const currencies = [...new Set(months.map((each) => each.currency))];
  const [chosen, choose] = useState<string>();
  const value = chosen && currencies.includes(chosen) ? chosen : (currencies[0] ?? "");
  return {
    shown: months.filter((each) => each.currency === value),
    choice: <CurrencyChoice currencies={currencies} value={value} choose={choose} />,
  };
}
