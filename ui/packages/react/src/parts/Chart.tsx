import { useEffect, useRef, useState } from "react";
import type { Days } from "../data/reads.js";
import { useSay } from "../data/words.js";

export const HEIGHT = 220;
export const EDGE = { top: 12, right: 8, bottom: 26, left: 52 };
export const LABEL_WIDTH = 56;

interface Props {
  days: Days;
  before: Days["before"];
  perDay: number | null;
}

/** Bars of the days, paler ones behind them for the period before, and a line at the quota's even share. */
export default function Chart({ days, before, perDay }: Props) {
  const say = useSay();
  const { box, width } = useWidth();
  const values = days.data.map((each) => Number(each.quantity));
  const ghosts = before.map((each) => Number(each.quantity));
  const coming = days.pace && { since: days.pace.since, perDay: Number(days.pace.per_day) };
  const most = Math.max(...values, ...ghosts, coming?.perDay ?? 0);
  // A quota far above all bars would press them flat; then the words below the chart say it alone.
  const line = perDay !== null && perDay <= most * 4 ? perDay : null;
  const ticks = ticksUpTo(Math.max(most, line ?? 0));
  const top = ticks.at(-1) ?? 1;
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const step = inner.width / Math.max(values.length, 1);
  const y = (value: number) => EDGE.top + inner.height * (1 - value / top);
  const every = Math.max(1, Math.ceil(LABEL_WIDTH / step));
  const label = say("usage.chart", { meter: days.meter, total: values.length, most: say.quantity(String(most)) });
  return (
    <figure ref={box} className="t-chart">
      <svg role="img" aria-label={label} width={width} height={HEIGHT}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line className="t-rule" x1={EDGE.left} x2={width - EDGE.right} y1={y(tick)} y2={y(tick)} />
            <text x={EDGE.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
              {say.compact(tick)}
            </text>
          </g>
        ))}
        {days.data.map((each, place) => {
          const x = EDGE.left + place * step;
          const ghost = ghosts[place];
          const value = values[place] ?? 0;
          return (
            <g key={each.date}>
              <title>{`${say.day(each.date)}: ${say.quantity(each.quantity)}`}</title>
              {ghost !== undefined && <rect className="t-ghost" x={x + step * 0.05} width={step * 0.9} y={y(ghost)} height={y(0) - y(ghost)} />}
              {coming && each.date >= coming.since && (
                <rect className="t-coming" x={x + step * 0.2} width={step * 0.6} y={y(coming.perDay)} height={y(0) - y(coming.perDay)} />
              )}
              <rect className="t-day" x={x + step * 0.2} width={step * 0.6} y={y(value)} height={y(0) - y(value)} />
              {place % every === 0 && (
                <text x={x + step / 2} y={HEIGHT - 6} textAnchor="middle">
                  {say.day(each.date, { dateStyle: undefined, month: "numeric", day: "numeric" })}
                </text>
              )}
            </g>
          );
        })}
        {line !== null && <line className="t-share" x1={EDGE.left} x2={width - EDGE.right} y1={y(line)} y2={y(line)} />}
      </svg>
      <figcaption className="t-legend">
        <span data-kind="day">{say("usage.this_period")}</span>
        {coming && <span data-kind="coming">{say("usage.at_pace")}</span>}
        {before.length > 0 && <span data-kind="ghost">{say("usage.before")}</span>}
        {perDay !== null && <span data-kind={line === null ? "none" : "share"}>{say("usage.per_day", { quantity: say.compact(perDay) })}</span>}
      </figcaption>
    </figure>
  );
}

export function useWidth() {
  const box = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const shown = box.current;
    if (!shown || typeof ResizeObserver === "undefined") return;
    const watch = new ResizeObserver(() => setWidth(Math.max(shown.clientWidth, 240)));
    watch.observe(shown);
    return () => watch.disconnect();
  }, []);
  return { box, width };
}

/** 0 and up to four more, each 1, 2 or 5 with zeros, the last one not below `most`. */
export function ticksUpTo(most: number): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * size).find((each) => each >= rough) ?? size * 10;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, place) => place * step);
}
