import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useRead } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { Search } from "../parts/Search.js";
import { Table } from "../parts/Table.js";
import { verdictColumns } from "./eventColumns.js";

/** Every event of one id, whoever's: what was recorded, what became of it, and what was not recorded and why. */
export function FoundPanel() {
  const say = useSay();
  const [search, setSearch] = useState("");
  const found = useRead(["events", "found", search], (api) => api.engine.GET("/v1/events/search", { params: { query: { id: search } } }), {
    enabled: search !== "",
  });
  return (
    <Panel title={say("events.find")} wide>
      <Search label={say("events.find_id")} value={search} search={setSearch} />
      {search && (
        <Loaded
          query={found}
          empty={{
            when: (all) => all.recorded.length + all.refused.length === 0,
            title: say("events.not_found", { search }),
            hint: say("events.not_found_hint"),
          }}
        >
          {(all) => (
            <Table
              caption={say("events.find")}
              columns={verdictColumns(say)}
              rows={[...all.recorded.map((each) => told(each, say)), ...all.refused].map((each, place) => ({ ...each, place }))}
              keyOf={(row) => `${row.at} ${row.place}`}
            />
          )}
        </Loaded>
      )}
    </Panel>
  );
}

/** One that counts no longer says since when it does not, and why. */
function told({ amendment, ...found }: Schemas["FoundShown"], say: Say): Schemas["VerdictShown"] {
  if (!amendment) return found;
  const by = amendment.replacement ? `${amendment.replacement.source}/${amendment.replacement.id}` : "";
  return { ...found, reason: say(by ? "events.corrected" : "events.retracted", { by, reason: amendment.reason }) };
}
