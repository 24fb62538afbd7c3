import { lazy, type ReactNode, Suspense, useState } from "react";
import { useSay } from "../data/words.js";
import type { Bar } from "./Bars.js";
import { Skeleton } from "./Loaded.js";
import { type Column, Table } from "./Table.js";

const Bars = lazy(() => import("./Bars.js"));

interface Props<Row> {
  caption: string;
  bars: Bar[];
  tick: (value: number) => string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  children?: ReactNode;
}

/** The same figures as bars or as a table, whichever is wanted. */
export function Charted<Row>({ caption, bars, tick, columns, rows, keyOf, children }: Props<Row>) {
  const say = useSay();
  const [asTable, setAsTable] = useState(false);
  const [first, last] = [bars[0], bars.at(-1)];
  const label = first && last ? say("figures.chart", { what: caption, from: first.label, until: last.label, last: last.text }) : caption;
  return (
    <div className="t-daily">
      <div className="t-row">
        <h3>{caption}</h3>
        <div className="t-actions">
          {children}
          <button type="button" className="t-link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {say(asTable ? "common.show_chart" : "common.show_table")}
          </button>
        </div>
      </div>
      {asTable ? (
        <Table caption={caption} columns={columns} rows={rows} keyOf={keyOf} />
      ) : (
        <Suspense fallback={<Skeleton label={say("common.loading")} />}>
          <Bars label={label} bars={bars} tick={tick} />
        </Suspense>
      )}
    </div>
  );
}

interface CurrencyProps {
  currencies: string[];
  value: string;
  choose: (currency: string) => void;
}

/** Which currency is shown: nothing is converted, so they are never in one chart. */
export function CurrencyChoice({ currencies, value, choose }: CurrencyProps) {
  const say = useSay();
  if (currencies.length < 2) return null;
  return (
    <label className="t-field t-inline">
      <span>{say("figures.currency")}</span>
      <select value={value} onChange={(event) => choose(event.target.value)}>
        {currencies.map((each) => (
          <option key={each} value={each}>
            {each.toUpperCase()}
          </option>
        ))}
      </select>
    </label>
  );
}
