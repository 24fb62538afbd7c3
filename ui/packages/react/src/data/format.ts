// Every number and date that is shown goes through here. Amounts are whole minor units, and nothing is computed with them:
// a point is put between their digits, and Intl writes them.

export interface Amount {
  amount: number;
  currency: string;
}

// As the service counts them (values/money.py): those that are not here have two places.
const NO_PLACES = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "));
const THREE_PLACES = new Set("bhd jod kwd omr tnd".split(" "));
const WHOLE_ONLY = new Set(["isk", "ugx"]);

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.NumberFormat(locale, options)));
  return found;
}

export function exponentOf(currency: string): number {
  if (NO_PLACES.has(currency)) return 0;
  return THREE_PLACES.has(currency) ? 3 : 2;
}

/** "1234" and 2 are "12.34". */
export function withPoint(minor: number, exponent: number): string {
  if (exponent === 0) return String(minor);
  const digits = String(Math.abs(minor)).padStart(exponent + 1, "0");
  return `${minor < 0 ? "-" : ""}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

export function money({ amount, currency }: Amount, locale: string): string {
  const exponent = exponentOf(currency);
  const places = WHOLE_ONLY.has(currency) ? 0 : exponent;
  const options = { style: "currency", currency, minimumFractionDigits: places, maximumFractionDigits: exponent } as const;
  return numberFormat(locale, options).format(withPoint(amount, exponent) as Intl.StringNumericLiteral);
}

/** A price as its document has it: decimal text in major units, with as many places as it needs. */
export function price(text: string, currency: string, locale: string): string {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return `${text} ${currency.toUpperCase()}`;
  const places = text.split(".")[1]?.length ?? 0;
  const least = WHOLE_ONLY.has(currency) ? 0 : exponentOf(currency);
  const options = { style: "currency", currency, maximumFractionDigits: Math.max(places, least), minimumFractionDigits: places ? least : 0 } as const;
  return numberFormat(locale, options).format(text as Intl.StringNumericLiteral);
}

/** A quantity: decimal text, or a fraction that never ends as "n/d". */
export function quantity(text: string, locale: string): string {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return text;
  return numberFormat(locale, { maximumFractionDigits: 12 }).format(text as Intl.StringNumericLiteral);
}

export function compact(value: number, locale: string): string {
  return numberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** An amount beside a chart: a few digits of it. */
export function axis({ amount, currency }: Amount, locale: string): string {
  const options = { style: "currency", currency, notation: "compact", maximumSignificantDigits: 3 } as const;
  return numberFormat(locale, options).format(withPoint(amount, exponentOf(currency)) as Intl.StringNumericLiteral);
}

/** A share from 0 to 1, as decimal text. */
export function percent(share: string, locale: string): string {
  return numberFormat(locale, { style: "percent", maximumFractionDigits: 2 }).format(share as Intl.StringNumericLiteral);
}

export function whole(value: number, locale: string): string {
  return numberFormat(locale, {}).format(value);
}

export function day(at: string, locale: string, options: Intl.DateTimeFormatOptions = {}): string {
  const plain = /^\d{4}-\d{2}-\d{2}$/.test(at); // a day of UTC, and not an instant
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", ...(plain && { timeZone: "UTC" }), ...options }).format(new Date(at));
}

export function instant(at: string | number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** To the second. */
export function second(at: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "medium" }).format(new Date(at));
}

export function zoneOf(locale: string): string {
  const zone = new Intl.DateTimeFormat(locale).resolvedOptions().timeZone;
  const part = new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts().find((each) => each.type === "timeZoneName");
  return part && part.value !== zone ? `${zone} (${part.value})` : zone;
}

/** How much of the limit is used, for a bar: whole percents, which may be above 100. */
export function percentUsed(used: string, limit: string): number {
  const most = Number(limit);
  return most > 0 ? Math.floor((Number(used) * 100) / most) : 100;
}
