import { EDGE, HEIGHT, LABEL_WIDTH, ticksUpTo, useWidth } from "./Chart.js";

export interface Bar {
  key: string;
  label: string;
  text: string;
  value: number;
}

interface Props {
  label: string;
  bars: Bar[];
  tick: (value: number) => string;
}

/** One bar for each, up from zero or down from it; `tick` writes the figures beside them. */
export default function Bars({ label, bars, tick }: Props) {
  const { box, width } = useWidth();
  const ticks = ticksAround(bars.map((bar) => bar.value));
  const [low, top] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const step = (width - EDGE.left - EDGE.right) / Math.max(bars.length, 1);
  const y = (value: number) => EDGE.top + ((HEIGHT - EDGE.top - EDGE.bottom) * (top - value)) / (top - low);
  const every = Math.max(1, Math.ceil(LABEL_WIDTH / step));
  return (
    <figure ref={box} className="t-chart">
      <svg role="img" aria-label={label} width={width} height={HEIGHT}>
        {ticks.map((each) => (
          <g key={each}>
            <line className="t-rule" x1={EDGE.left} x2={width - EDGE.right} y1={y(each)} y2={y(each)} />
            <text x={EDGE.left - 8} y={y(each)} dy="0.32em" textAnchor="end">
              {tick(each)}
            </text>
          </g>
        ))}
        {bars.map((bar, place) => {
          const x = EDGE.left + place * step;
          return (
            <g key={bar.key}>
              <title>{`${bar.label}: ${bar.text}`}</title>
              <rect className="t-day" x={x + step * 0.2} width={step * 0.6} y={y(Math.max(bar.value, 0))} height={Math.abs(y(bar.value) - y(0))} />
              {(bars.length - 1 - place) % every === 0 && (
                <text x={Math.min(x + step / 2, width - LABEL_WIDTH / 2)} y={HEIGHT - 6} textAnchor="middle">
                  {bar.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </figure>
  );
}

/** Round figures from the lowest bar below zero, if there is one, to the highest. */
export function ticksAround(values: number[]): number[] {
  const [low, top] = [Math.min(0, ...values), Math.max(0, ...values)];
  const ticks = ticksUpTo(Math.max(top, -low));
  const below = ticks.slice(1, 1 + ticks.findIndex((each) => each >= -low));
  const above = low < 0 ? ticks.slice(0, 1 + ticks.findIndex((each) => each >= top)) : ticks;
  return [...below.map((each) => -each).reverse(), ...above];
}
