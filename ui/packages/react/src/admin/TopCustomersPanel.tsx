import type { Schemas } from "@tallystick/client";
import { useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Loaded } from "../parts/Loaded.js";
import { Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";

type Row = Schemas["TopCustomerShown"];

/** With whom most was earned in the last twelve months. */
export function TopCustomersPanel({ open }: { open: (id: string) => void }) {
  const say = useSay();
  const query = useRead(["top-customers"], (api) => api.engine.GET("/v1/reports/top-customers", { params: { query: { limit: 10 } } }));
  const columns: Column<Row>[] = [
    {
      name: say("customers.customer"),
      cell: (row) => {
        const name = row.name || row.email || row.id;
        return (
          <button type="button" className="t-link" aria-label={say("customers.open_one", { id: name })} onClick={() => open(row.id)}>
            {name}
          </button>
        );
      },
    },
    { name: say("revenue.total"), cell: (row) => say.money(row.revenue), number: true },
  ];
  return (
    <Panel title={say("top.title")}>
      <p className="t-quiet">{say("top.hint")}</p>
      <Loaded query={query} empty={{ when: (found) => found.data.length === 0, title: say("revenue.empty"), hint: say("revenue.empty_hint") }}>
        {(found) => <Table caption={say("top.title")} columns={columns} rows={found.data} keyOf={(row) => `${row.id} ${row.revenue.currency}`} />}
      </Loaded>
    </Panel>
  );
}
