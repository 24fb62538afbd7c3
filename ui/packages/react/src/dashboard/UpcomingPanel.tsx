import { useUpcoming } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { InvoiceLines } from "../parts/InvoiceLines.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { Freshness } from "../parts/Freshness.js";
import type { Schemas } from "@tallystick/client";

export function UpcomingPanel() {
  const say = useSay();
  const upcoming = useUpcoming();
  return (
    <Panel title={say("upcoming.title")} aside={<Freshness query={upcoming} />}>
      <Loaded
        query={upcoming}
        empty={{ when: (found) => found.data.length === 0, title: say("upcoming.empty"), hint: say("upcoming.empty_hint") }}
      >
        {(found) => <Coming coming={found} />}
      </Loaded>
    </Panel>
  );
}

export function Coming({ coming }: { coming: Schemas["ComingShown"] }) {
  const say = useSay();
  return coming.data.map(({ on, invoice, lines }) => (
    <div key={`${invoice.subscription} ${invoice.currency}`}>
      <p className="t-figure">{say.money({ amount: invoice.total, currency: invoice.currency })}</p>
      <p className="t-quiet">
        {say("upcoming.so_far")}
        {on && <> · {say("upcoming.on", { day: say.day(on) })}</>}
      </p>
      <InvoiceLines invoice={invoice} lines={lines} />
    </div>
  ));
}
