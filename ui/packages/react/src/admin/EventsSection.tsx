import { useState } from "react";
import { useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Freshness } from "../parts/Freshness.js";
import { Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Panel } from "../parts/Panel.js";
import { Search } from "../parts/Search.js";
import { Table } from "../parts/Table.js";
import { eventColumns, verdictColumns } from "./eventColumns.js";
import { FoundPanel } from "./FoundPanel.js";
import { TailPanel } from "./TailPanel.js";
import { TestEvent } from "./TestEvent.js";

/** Every event has a verdict: as it comes, by its id, of those that were not recorded, and of a customer. */
export function EventsSection() {
  return (
    <>
      <TailPanel />
      <FoundPanel />
      <Refused />
      <OfCustomer />
      <TestEvent />
    </>
  );
}

function Refused() {
  const say = useSay();
  const refusals = useRead(["refusals"], (api) => api.engine.GET("/v1/events/refusals", { params: { query: { limit: 50 } } }), { live: true });
  return (
    <Panel title={say("events.refused")} aside={<Freshness query={refusals} />} wide>
      <p className="t-quiet">{say("events.refused_hint")}</p>
      <Loaded query={refusals} empty={{ when: (found) => found.data.length === 0, title: say("events.empty"), hint: say("events.empty_hint") }}>
        {(found) => (
          <Table
            caption={say("events.refused")}
            columns={verdictColumns(say)}
            rows={found.data.map((each, place) => ({ ...each, place }))}
            keyOf={(row) => `${row.at} ${row.id} ${row.place}`}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function OfCustomer() {
  const say = useSay();
  const [customer, setCustomer] = useState("");
  const at = useCursor();
  const events = useRead(
    ["events", customer, at.cursor],
    (api) => api.engine.GET("/v1/events", { params: { query: { customer, limit: 25, cursor: at.cursor } } }),
    { enabled: customer !== "", live: true },
  );
  const show = (text: string) => {
    at.reset();
    setCustomer(text);
  };
  return (
    <Panel title={say("events.of_customer")} wide>
      <Search label={say("events.customer")} value={customer} search={show} button={say("events.show")} />
      {customer && (
        <Loaded
          query={events}
          empty={{ when: (page) => page.data.length === 0, title: say("events.recorded_empty"), hint: say("events.recorded_empty_hint") }}
        >
          {(page) => (
            <Table caption={say("events.of_customer")} columns={eventColumns(say)} rows={page.data} keyOf={(row) => `${row.source}/${row.id}`} />
          )}
        </Loaded>
      )}
      <Pager query={events} at={at} />
    </Panel>
  );
}
