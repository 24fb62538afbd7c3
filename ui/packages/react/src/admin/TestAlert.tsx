import { type FormEvent, useState } from "react";
import { useAct, useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Failure, Loaded } from "../parts/Loaded.js";
import { Badge, Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";

const MAIL = "mail";

/** Sends an alert that says that it is a test, and shows how it fares at each of those it goes to. */
export function TestAlert() {
  const say = useSay();
  const [whom, setWhom] = useState("");
  const [sent, setSent] = useState<string>();
  const endpoints = useRead(["endpoints"], (api) => api.engine.GET("/v1/webhook-endpoints", { params: { query: { limit: 100 } } })).data?.data ?? [];
  const send = useAct(
    (api) => api.engine.POST("/v1/alerts/test", { body: { mail: whom === MAIL, endpoint: whom && whom !== MAIL ? whom : null } }),
    (message) => setSent(message.id),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSent(undefined);
    send.mutate();
  };
  return (
    <Panel title={say("alert_test.title")} wide>
      <p className="t-quiet">{say("alert_test.hint")}</p>
      <form className="t-inline-form" onSubmit={submit}>
        <Choice
          label={say("alert_test.whom")}
          value={whom}
          options={[["", say("alert_test.everybody")], [MAIL, say("alert_test.mail")], ...endpoints.map((each): [string, string] => [each.id, each.url])]}
          choose={setWhom}
        />
        <button type="submit" disabled={send.isPending}>
          {say("alert_test.send")}
        </button>
      </form>
      {sent && <Fares id={sent} />}
      {send.error && <Failure error={send.error} title={say("common.not_done")} />}
    </Panel>
  );
}

function Fares({ id }: { id: string }) {
  const say = useSay();
  const message = useRead(
    ["message", id],
    (api) => api.engine.GET("/v1/webhook-messages/{message_id}", { params: { path: { message_id: id } } }),
    { live: true, waits: (found) => found?.dispatches.some((each) => each.status === "waiting" && each.attempts === 0) ?? false },
  );
  return (
    <Loaded query={message}>
      {(found) => (
        <div role="status">
          <ul className="t-plain">
            {found.dispatches.map((each) => (
              <li key={each.target}>
                <Badge status={each.status}>{say.code("status", each.status)}</Badge> <code>{each.target}</code> {each.error}
              </li>
            ))}
          </ul>
        </div>
      )}
    </Loaded>
  );
}
