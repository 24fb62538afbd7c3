import { useState } from "react";
import { useRead } from "../data/api.js";
import type { Dunning } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { Freshness } from "../parts/Freshness.js";
import { Instant } from "../parts/Instant.js";
import { Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Badge, Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { type Column, Table } from "../parts/Table.js";
import { DunningDialog } from "./DunningDialog.js";

const STATES = ["retrying", "waiting", "trying", "given_up", "over"] as const;
type State = (typeof STATES)[number];
const GOING_ON: State[] = ["retrying", "waiting", "trying", "given_up"];

/** Whose payment has failed, how far its dunning has come, and what happens next and when. */
export function DunningSection({ open }: { open: (customer: string) => void }) {
  const say = useSay();
  const at = useCursor();
  const [chosen, setChosen] = useState("");
  const [shown, setShown] = useState<Dunning | null>(null);
  const state = STATES.find((each) => each === chosen);
  const query = useRead(
    ["dunnings", chosen, at.cursor],
    (api) => api.engine.GET("/v1/dunning", { params: { query: { state: state ? [state] : GOING_ON, limit: 25, cursor: at.cursor } } }),
    { live: true },
  );
  const columns: Column<Dunning>[] = [
    {
      name: say("invoices.number"),
      cell: (row) => (
        <button type="button" className="t-link" aria-label={say("invoices.open_one", { number: row.number ?? row.invoice })} onClick={() => setShown(row)}>
          {row.number ?? row.invoice}
        </button>
      ),
    },
    {
      name: say("invoices.customer"),
      cell: (row) => (
        <button type="button" className="t-link" aria-label={say("customers.open_one", { id: row.customer })} onClick={() => open(row.customer)}>
          {row.customer}
        </button>
      ),
    },
    { name: say("invoices.total"), cell: (row) => say.money({ amount: row.total, currency: row.currency }), number: true },
    { name: say("dunning.state"), cell: (row) => <Badge status={row.state}>{say.code("dunning", row.state)}</Badge> },
    { name: say("dunning.reason"), cell: (row) => say.code("decline", row.code) },
    { name: say("dunning.tries"), cell: (row) => say.whole(row.tries), number: true },
    { name: say("dunning.next"), cell: (row) => (row.next_at ? <Instant at={row.next_at} /> : "–") },
  ];
  const choose = (value: string) => {
    at.reset();
    setChosen(value);
  };
  return (
    <Panel title={say("dunning.title")} aside={<Freshness query={query} />} wide>
      <p className="t-quiet">{say("dunning.hint")}</p>
      <Choice
        label={say("dunning.state")}
        value={chosen}
        options={[["", say("dunning.going_on")], ...STATES.map((each): [string, string] => [each, say(`dunning.${each}`)])]}
        choose={choose}
      />
      <Loaded
        query={query}
        empty={{
          when: (page) => page.data.length === 0,
          title: say(chosen ? "dunning.not_found" : "dunning.empty"),
          hint: say(chosen ? "invoices.not_found_hint" : "dunning.empty_hint"),
        }}
      >
        {(page) => <Table caption={say("dunning.title")} columns={columns} rows={page.data} keyOf={(row) => row.invoice} />}
      </Loaded>
      <Pager query={query} at={at} />
      {shown && <DunningDialog of={shown} onClose={() => setShown(null)} />}
    </Panel>
  );
}
