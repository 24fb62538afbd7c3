import { useState } from "react";
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
  return coming.data.map((each) => <One key={`${each.invoice.subscription} ${each.invoice.currency}`} coming={each} />);
}

/** As things stand, and on a press what it comes to at this pace: each with the sum of every line. */
function One({ coming }: { coming: Schemas["ComingInvoice"] }) {
  const say = useSay();
  const [wanted, setWanted] = useState(false);
  const ahead = wanted && coming.at_pace;
  const { invoice, lines } = ahead || coming;
  return (
    <div>
      <p className="t-figure">{say.money({ amount: invoice.total, currency: invoice.currency })}</p>
      <p className="t-quiet">
        {say(ahead ? "upcoming.at_pace" : "upcoming.so_far")}
        {coming.on && <> · {say("upcoming.on", { day: say.day(coming.on) })}</>}
      </p>
      {coming.at_pace && (
        <button type="button" className="t-link" aria-pressed={wanted} onClick={() => setWanted(!wanted)}>
          {wanted
            ? say("upcoming.show_so_far")
            : say("upcoming.show_at_pace", { amount: say.money({ amount: coming.at_pace.invoice.total, currency: invoice.currency }) })}
        </button>
      )}
      <InvoiceLines invoice={invoice} lines={lines} />
    </div>
  );
}
