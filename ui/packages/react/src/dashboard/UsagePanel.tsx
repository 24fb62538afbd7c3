import { useState } from "react";
import { useRead } from "../data/api.js";
import { type Standing, useEntitlements, useUsage } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Daily } from "../parts/Daily.js";
import { Freshness } from "../parts/Freshness.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { QuotaMeter } from "../parts/QuotaMeter.js";
import { shownPeriod } from "../data/period.js";

export function UsagePanel() {
  const say = useSay();
  const usage = useUsage();
  const standings = useEntitlements();
  return (
    <Panel title={say("usage.title")} aside={<Freshness query={standings} />} wide>
      <Loaded query={standings}>
        {(found) => (
          <div className="t-quotas">
            {found.quotas.map((standing) => (
              <QuotaMeter key={standing.meter} standing={standing} />
            ))}
          </div>
        )}
      </Loaded>
      <Loaded
        query={usage}
        empty={{
          when: (found) => found.data.length === 0,
          title: say("usage.empty"),
          hint: say("usage.empty_hint"),
        }}
      >
        {(found) => (
          <OwnDays
            meters={found.data.map((each) => each.meter)}
            first={found.data.find((each) => each.events > 0)?.meter}
            period={found.period}
            standings={standings.data?.quotas ?? []}
          />
        )}
      </Loaded>
    </Panel>
  );
}

interface OwnDaysProps {
  meters: string[];
  first?: string;
  period: { from: string; until: string };
  standings: Standing[];
}

function OwnDays({ meters, first, period, standings }: OwnDaysProps) {
  const [chosen, setChosen] = useState<string>();
  const meter = chosen ?? first ?? meters[0] ?? "";
  const asked = shownPeriod(period);
  const days = useRead(
    ["days", meter, asked.from],
    (api) => api.user.GET("/billing/usage/days", { params: { query: { meter, ...asked } } }),
    { live: true },
  );
  const limit = standings.find((each) => each.meter === meter)?.limit ?? null;
  return <Daily query={days} meters={meters} meter={meter} choose={setChosen} limit={limit} />;
}
