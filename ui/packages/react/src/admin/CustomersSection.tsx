import type { Schemas } from "@tallystick/client";
import { useState } from "react";
import { useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Loaded } from "../parts/Loaded.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Badge, Panel } from "../parts/Panel.js";
import { Search } from "../parts/Search.js";
import { type Column, Table } from "../parts/Table.js";

type Row = Schemas["CustomerRowShown"];

export function CustomersSection({ open }: { open: (id: string) => void }) {
  const say = useSay();
  const at = useCursor();
  const [search, setSearch] = useState("");
  const customers = useRead(["customers", search, at.cursor], (api) =>
    api.engine.GET("/v1/reports/customers", { params: { query: { search, limit: 25, cursor: at.cursor } } }),
  );
  const columns: Column<Row>[] = [
    {
      name: say("customers.customer"),
      cell: (row) => (
        <>
          <button type="button" className="t-link" aria-label={say("customers.open_one", { id: row.name || row.email || row.id })} onClick={() => open(row.id)}>
            {row.name || row.email || row.id}
          </button>
          {(row.name || row.email) && <div className="t-quiet t-small">{row.id}</div>}
        </>
      ),
    },
    { name: say("customers.plan"), cell: (row) => row.plan ?? "–" },
    { name: say("customers.status"), cell: (row) => <Badge status={row.status ?? "none"}>{say.code("status", row.status ?? "none")}</Badge> },
    { name: say("customers.owed"), cell: (row) => row.owed.map(say.money).join(" + ") || "–", number: true },
    { name: say("customers.since"), cell: (row) => say.day(row.created_at) },
  ];
  const begin = (text: string) => {
    at.reset();
    setSearch(text);
  };
  return (
    <Panel title={say("customers.title")} wide>
      <Search label={say("customers.find")} value={search} search={begin} />
      <Loaded
        query={customers}
        empty={{
          when: (page) => page.data.length === 0,
          title: search ? say("customers.not_found", { search }) : say("customers.empty"),
          hint: say(search ? "customers.not_found_hint" : "customers.empty_hint"),
        }}
      >
        {(page) => <Table caption={say("customers.title")} columns={columns} rows={page.data} keyOf={(row) => row.id} />}
      </Loaded>
      <Pager query={customers} at={at} />
    </Panel>
  );
}
