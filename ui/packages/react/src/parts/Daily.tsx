import type { UseQueryResult } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Refusal } from "../data/api.js";
import type { Days } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Empty, Loaded, Skeleton } from "./Loaded.js";
import { Table } from "./Table.js";

const Chart = lazy(() => import("./Chart.js"));

interface Props {
  query: UseQueryResult<Days, Refusal>;
  meters: string[];
  meter: string;
  choose: (meter: string) => void;
  limit: string | null;
}

export function Daily({ query, meters, meter, choose, limit }: Props) {
  const say = useSay();
  const [asTable, setAsTable] = useState(false);
  const [compare, setCompare] = useState(false);
  return (
    <div className="t-daily">
      <div className="t-row">
        <h3>{say("usage.daily")}</h3>
        <div className="t-actions">
          {meters.length > 1 && (
            <label className="t-field t-inline">
              <span>{say("usage.meter")}</span>
              <select value={meter} onChange={(event) => choose(event.target.value)}>
                {meters.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            </label>
          )}
          <label className="t-check">
            <input type="checkbox" checked={compare} onChange={(event) => setCompare(event.target.checked)} />
            {say("usage.show_before")}
          </label>
          <button type="button" className="t-link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {say(asTable ? "common.show_chart" : "common.show_table")}
          </button>
        </div>
      </div>
      <Loaded query={query}>
        {(days) => {
          const before = compare ? days.before : [];
          if ([...days.data, ...before].every((each) => Number(each.quantity) === 0)) {
            return <Empty title={say("usage.no_days")} hint={say("usage.empty_hint")} />;
          }
          return (
            <>
              {days.pace && <p className="t-quiet">{say("usage.pace", { quantity: say.quantity(days.pace.total), day: say.day(days.period.until) })}</p>}
              {asTable ? (
                <DaysTable days={days} before={before} />
              ) : (
                <Suspense fallback={<Skeleton label={say("common.loading")} />}>
                  <Chart days={days} before={before} perDay={limit === null ? null : Number(limit) / days.data.length} />
                </Suspense>
              )}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function DaysTable({ days, before }: { days: Days; before: Days["before"] }) {
  const say = useSay();
  const comes = (date: string) => (days.pace && date >= days.pace.since ? say("usage.about", { quantity: say.quantity(days.pace.per_day) }) : null);
  const rows = days.data.map((each, place) => ({ ...each, before: before[place]?.quantity }));
  const columns = [
    { name: say("usage.day"), cell: (row: (typeof rows)[number]) => say.day(row.date) },
    { name: days.meter, cell: (row: (typeof rows)[number]) => (comes(row.date) ?? say.quantity(row.quantity)), number: true },
  ];
  if (before.length > 0) {
    columns.push({ name: say("usage.before"), cell: (row) => (row.before === undefined ? "" : say.quantity(row.before)), number: true });
  }
  return <Table caption={say("usage.daily")} columns={columns} rows={rows} keyOf={(row) => row.date} />;
}
