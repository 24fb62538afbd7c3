const DAY_MS = 86_400_000;
const DAYS_MAX = 62;

/** The period whose days are shown: the whole one, or of a long one its last days until today. */
export function shownPeriod(period: { from: string; until: string }, now = Date.now()): { from: string; until: string } {
  const [start, end] = [Date.parse(period.from), Date.parse(period.until)];
  if (end - start <= DAYS_MAX * DAY_MS) return period;
  const today = Math.min(end, Math.ceil(now / DAY_MS) * DAY_MS);
  return { from: new Date(Math.max(start, today - 31 * DAY_MS)).toISOString(), until: new Date(today).toISOString() };
}

/** The first instant of the UTC day so many days before today, to the second that the API takes. */
export function daysAgo(days: number, now = Date.now()): string {
  return new Date(Math.floor(now / DAY_MS) * DAY_MS - days * DAY_MS).toISOString();
}

/** The days from the first to the last of them, or the months that begin on them; both are dates of UTC. */
export function datesBetween(first: string, last: string, by: "day" | "month"): string[] {
  const [found, at] = [[] as string[], new Date(`${first}T00:00:00Z`)];
  for (let date = first; date <= last; date = at.toISOString().slice(0, 10)) {
    found.push(date);
    if (by === "day") at.setUTCDate(at.getUTCDate() + 1);
    else at.setUTCMonth(at.getUTCMonth() + 1);
  }
  return found;
}
