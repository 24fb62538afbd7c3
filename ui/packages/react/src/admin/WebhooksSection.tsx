import type { Schemas } from "@tallystick/client";
import { useAct, useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Pager, useCursor } from "../parts/Pages.js";
import { Instant } from "../parts/Instant.js";
import { Badge, Panel } from "../parts/Panel.js";
import { type Column, Table } from "../parts/Table.js";
import { TestAlert } from "./TestAlert.js";

type Endpoint = Schemas["EndpointShown"];
type Message = Schemas["MessageShown"];

export function WebhooksSection() {
  return (
    <>
      <Endpoints />
      <TestAlert />
      <Messages />
    </>
  );
}

function Endpoints() {
  const say = useSay();
  const tell = useTell();
  const endpoints = useRead(["endpoints"], (api) => api.engine.GET("/v1/webhook-endpoints", { params: { query: { limit: 100 } } }));
  const test = useAct(
    (api, id: string) => api.engine.POST("/v1/webhook-endpoints/{endpoint_id}/test", { params: { path: { endpoint_id: id } } }),
    () => tell(say("webhooks.tested")),
  );
  const columns: Column<Endpoint>[] = [
    { name: say("webhooks.url"), cell: (row) => <code>{row.url}</code> },
    { name: say("webhooks.types"), cell: (row) => row.types.join(", ") || say("common.all") },
    {
      name: say("webhooks.state"),
      cell: (row) => (
        <>
          <Badge status={row.enabled ? "enabled" : "disabled"}>{say(row.enabled ? "webhooks.enabled" : "webhooks.disabled")}</Badge> {row.disabled_reason}
        </>
      ),
    },
    {
      name: say("webhooks.test"),
      cell: (row) => (
        <button type="button" className="t-link" disabled={test.isPending} onClick={() => test.mutate(row.id)}>
          {say("webhooks.test")}
        </button>
      ),
    },
  ];
  return (
    <Panel title={say("webhooks.endpoints")} wide>
      <Loaded query={endpoints} empty={{ when: (page) => page.data.length === 0, title: say("webhooks.empty"), hint: say("webhooks.empty_hint") }}>
        {(page) => <Table caption={say("webhooks.endpoints")} columns={columns} rows={page.data} keyOf={(row) => row.id} />}
      </Loaded>
      {test.error && <Failure error={test.error} title={say("common.not_done")} />}
    </Panel>
  );
}

function Messages() {
  const say = useSay();
  const tell = useTell();
  const at = useCursor();
  const messages = useRead(
    ["messages", at.cursor],
    (api) => api.engine.GET("/v1/webhook-messages", { params: { query: { limit: 25, cursor: at.cursor } } }),
    { live: true },
  );
  const resend = useAct(
    (api, id: string) => api.engine.POST("/v1/webhook-messages/{message_id}/resend", { params: { path: { message_id: id } }, body: {} }),
    () => tell(say("webhooks.resent")),
  );
  const columns: Column<Message>[] = [
    { name: say("webhooks.type"), cell: (row) => row.type },
    { name: say("customers.customer"), cell: (row) => row.customer ?? "–" },
    { name: say("webhooks.at"), cell: (row) => <Instant at={row.created_at} /> },
    {
      name: say("webhooks.state"),
      cell: (row) =>
        row.dispatches.length === 0
          ? "–"
          : row.dispatches.map((each) => (
              <div key={each.target}>
                <Badge status={each.status}>{say.code("status", each.status)}</Badge> <span className="t-quiet">{each.target}</span>
              </div>
            )),
    },
    {
      name: say("webhooks.resend"),
      cell: (row) => (
        <button type="button" className="t-link" disabled={resend.isPending} onClick={() => resend.mutate(row.id)}>
          {say("webhooks.resend")}
        </button>
      ),
    },
  ];
  return (
    <Panel title={say("webhooks.messages")} wide>
      <Loaded query={messages} empty={{ when: (page) => page.data.length === 0, title: say("webhooks.no_messages"), hint: say("webhooks.no_messages_hint") }}>
        {(page) => <Table caption={say("webhooks.messages")} columns={columns} rows={page.data} keyOf={(row) => row.id} />}
      </Loaded>
      <Pager query={messages} at={at} />
      {resend.error && <Failure error={resend.error} title={say("common.not_done")} />}
    </Panel>
  );
}
