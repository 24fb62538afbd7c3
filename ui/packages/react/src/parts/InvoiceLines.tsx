import type { Schemas } from "@tallystick/client";
import type { Invoice } from "../data/reads.js";
import { type Say, useSay } from "../data/words.js";

export type Line = Schemas["LineShown"] & Partial<Pick<Schemas["LineExplained"], "exact" | "details" | "events">>;

/** The lines and how they add up. A line that has its sum with it opens to show how it was computed. */
export function InvoiceLines({ invoice, lines }: { invoice: Invoice; lines: Line[] }) {
  const say = useSay();
  const money = (amount: number) => say.money({ amount, currency: invoice.currency });
  const sums: [string, string][] = [];
  if (invoice.discount) sums.push([say("upcoming.discount"), `−${money(invoice.discount)}`]);
  if (invoice.carried_in) sums.push([say("upcoming.carried_in"), money(invoice.carried_in)]);
  if (invoice.credits_applied) sums.push([say("upcoming.credits"), `−${money(invoice.credits_applied)}`]);
  if (invoice.carried_out) sums.push([say("upcoming.carried_out"), `−${money(invoice.carried_out)}`]);
  return (
    <div className="t-lines">
      {lines.length === 0 && <p className="t-quiet">{say("upcoming.no_lines")}</p>}
      <ul className="t-plain">
        {lines.map((line) => (
          <li key={line.id}>{line.details ? <Opens line={line} /> : <Row line={line} />}</li>
        ))}
      </ul>
      <dl className="t-facts">
        {sums.map(([name, sum]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{sum}</dd>
          </div>
        ))}
        <div className="t-total">
          <dt>{say("upcoming.total")}</dt>
          <dd>{money(invoice.total)}</dd>
        </div>
      </dl>
    </div>
  );
}

function Row({ line }: { line: Line }) {
  const say = useSay();
  const period = say("common.from_until", { from: say.day(line.period.from), until: say.day(line.period.until) });
  return (
    <span className="t-row">
      <span>
        {line.description}
        {line.kind === "usage" && <span className="t-quiet"> · {say.quantity(line.quantity)}</span>}
        {line.part > 0 && <span className="t-quiet"> · {say("upcoming.part", { period })}</span>}
      </span>
      <span className="t-number">{say.money(line)}</span>
    </span>
  );
}

function Opens({ line }: { line: Line }) {
  const say = useSay();
  const price = (text: string) => say.price(text, line.currency);
  return (
    <details>
      <summary>
        <Row line={line} />
      </summary>
      <div className="t-opened">
        <p className="t-quiet">{say("upcoming.how")}</p>
        <ul className="t-plain">
          {line.details?.map((detail, place) => {
            const quantity = say.quantity(detail.quantity);
            const flat = detail.flat_amount !== "0";
            return (
              <li key={place} className="t-row">
                <span>
                  {nameOf(line, detail, say)}
                  {detail.quantity !== "0" && detail.unit_amount !== "0" && (
                    <span className="t-quiet">
                      {" "}
                      · {say(flat ? "detail.row_flat" : "detail.row", { quantity, unit: price(detail.unit_amount), flat: price(detail.flat_amount) })}
                    </span>
                  )}
                </span>
                <span className="t-number">{price(detail.amount)}</span>
              </li>
            );
          })}
        </ul>
        {line.exact && <p className="t-quiet">{say("upcoming.exact", { exact: price(line.exact), amount: say.money(line) })}</p>}
        {line.events && line.events.length > 0 && (
          <>
            <p className="t-quiet">{say("detail.events")}</p>
            <ul className="t-plain">
              {line.events.map((event) => (
                <li key={`${event.source}/${event.id}`}>
                  <code>{event.id}</code> {say("detail.event_row", { quantity: say.quantity(event.quantity), at: say.instant(event.at) })}
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </details>
  );
}

function nameOf(line: Line, detail: Schemas["DetailShown"], say: Say): string {
  if (detail.tier !== null) return say("detail.tier", { tier: detail.tier });
  if (detail.kind === "usage" && line.kind !== "usage") return say("detail.fee");
  return say.code("detail", detail.kind);
}
