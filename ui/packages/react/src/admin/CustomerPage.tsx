import { useState } from "react";
import { useRead } from "../data/api.js";
import { daysAgo } from "../data/period.js";
import { useSay } from "../data/words.js";
import { Coming } from "../dashboard/UpcomingPanel.js";
import { Daily } from "../parts/Daily.js";
import { Loaded } from "../parts/Loaded.js";
import { Badge, Facts, Panel } from "../parts/Panel.js";
import { QuotaMeter } from "../parts/QuotaMeter.js";
import { InvoicesSection } from "./InvoicesSection.js";

/** One customer: who they are, their plans, usage, next invoice and invoices. */
export function CustomerPage({ id, back }: { id: string; back: () => void }) {
  const say = useSay();
  const customer = useRead(["customer", id], (api) => api.engine.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: id } } }));
  return (
    <>
      <p>
        <button type="button" onClick={back}>
          {say("common.back")}
        </button>
      </p>
      <Loaded query={customer}>
        {(found) => (
          <div className="t-grid">
            <Panel title={found.name || found.email || found.id}>
              <Facts
                facts={[
                  [say("events.customer"), <code key="id">{found.id}</code>],
                  [say("login.email"), found.email ?? say("common.none")],
                  [say("customers.since"), say.day(found.created_at)],
                ]}
              />
              <Subscriptions id={id} />
            </Panel>
            <Upcoming id={id} />
            <Usage id={id} />
            <InvoicesSection customer={id} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Subscriptions({ id }: { id: string }) {
  const say = useSay();
  const subscriptions = useRead(["subscriptions", id], (api) => api.engine.GET("/v1/subscriptions", { params: { query: { customer: id } } }));
  return (
    <Loaded
      query={subscriptions}
      empty={{ when: (page) => page.data.length === 0, title: say("status.none"), hint: `\`tallystick subscriptions subscribe ${id} PLAN\`` }}
    >
      {(page) => (
        <ul className="t-plain">
          {page.data.map((each) => (
            <li key={each.id}>
              <strong>{each.terms.plan}</strong> <Badge status={each.status}>{say.code("status", each.status)}</Badge>{" "}
              <span className="t-quiet">{say("common.from_until", { from: say.day(each.period.from), until: say.day(each.period.until) })}</span>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

function Upcoming({ id }: { id: string }) {
  const say = useSay();
  const upcoming = useRead(["upcoming", id], (api) => api.engine.GET("/v1/reports/upcoming", { params: { query: { customer: id } } }), { live: true });
  return (
    <Panel title={say("upcoming.title")}>
      <Loaded query={upcoming} empty={{ when: (found) => found.data.length === 0, title: say("upcoming.empty"), hint: say("upcoming.empty_hint") }}>
        {(found) => <Coming coming={found} />}
      </Loaded>
    </Panel>
  );
}

function Usage({ id }: { id: string }) {
  const say = useSay();
  const [chosen, setChosen] = useState<string>();
  const entitled = useRead(
    ["entitlements", id],
    (api) => api.engine.GET("/v1/customers/{customer_id}/entitlements", { params: { path: { customer_id: id } } }),
    { live: true },
  );
  const meters = useRead(["meters"], (api) => api.engine.GET("/v1/meters", { params: { query: { limit: 100 } } })).data?.data.map((each) => each.key) ?? [];
  const quotas = entitled.data?.quotas ?? [];
  const meter = chosen ?? quotas[0]?.meter ?? meters[0] ?? "";
  const [from] = useState(() => daysAgo(29));
  const [until] = useState(() => daysAgo(-1));
  const days = useRead(
    ["days", id, meter, from],
    (api) => api.engine.GET("/v1/reports/usage-days", { params: { query: { customer: id, meter, from, until } } }),
    { enabled: meter !== "", live: true },
  );
  const limit = quotas.find((each) => each.meter === meter)?.limit ?? null;
  return (
    <Panel title={say("usage.title")} wide>
      <Loaded query={entitled}>
        {(found) =>
          found.quotas.length === 0 ? (
            <p className="t-quiet">{say("customers.no_quotas")}</p>
          ) : (
            <div className="t-quotas">
              {found.quotas.map((standing) => (
                <QuotaMeter key={standing.meter} standing={standing} />
              ))}
            </div>
          )
        }
      </Loaded>
      {meter && <Daily query={days} meters={meters} meter={meter} choose={setChosen} limit={limit} />}
    </Panel>
  );
}
