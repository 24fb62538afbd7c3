import { type FormEvent, useId, useState } from "react";
import { useAct, useRead } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Failure } from "../parts/Loaded.js";
import { Badge, Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";

interface Sent {
  results: { id: string; verdict: string; code: string | null; reason: string | null }[];
}

export function TestEvent() {
  const say = useSay();
  const id = useId();
  const [customer, setCustomer] = useState("");
  const [quantity, setQuantity] = useState("1");
  const [chosen, setChosen] = useState("");
  const meters = useRead(["meters"], (api) => api.engine.GET("/v1/meters", { params: { query: { limit: 100 } } })).data?.data ?? [];
  const meter = chosen || meters[0]?.key || "";
  const send = useAct((api, eventId: string) => {
    const body = { events: [{ customer, id: eventId, meter, quantity, source: "dashboard" }] };
    // This route's answer is written without a model, for speed; so it has no type there.
    return api.engine.POST("/v1/events", { body } as never) as Promise<{ data?: Sent; error?: unknown; response: Response }>;
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate(`test-${Date.now().toString(36)}`);
  };
  const result = send.data?.results[0];
  return (
    <Panel title={say("events.test")} wide>
      <p className="t-quiet">{say("events.test_hint")}</p>
      <form className="t-inline-form" onSubmit={submit}>
        <label className="t-field" htmlFor={`${id}-customer`}>
          <span>{say("events.customer")}</span>
          <input id={`${id}-customer`} required value={customer} onChange={(event) => setCustomer(event.target.value)} />
        </label>
        <Choice label={say("events.meter")} value={meter} options={meters.map((each): [string, string] => [each.key, each.key])} choose={setChosen} />
        <label className="t-field" htmlFor={`${id}-quantity`}>
          <span>{say("events.quantity")}</span>
          <input id={`${id}-quantity`} required inputMode="decimal" value={quantity} onChange={(event) => setQuantity(event.target.value)} />
        </label>
        <button type="submit" disabled={send.isPending}>
          {say("events.send")}
        </button>
      </form>
      <div role="status">
        {result && (
          <p>
            <code>{result.id}</code> <Badge status={result.verdict}>{say.code("status", result.verdict)}</Badge> {result.reason}
          </p>
        )}
      </div>
      {send.error && <Failure error={send.error} title={say("common.not_done")} />}
    </Panel>
  );
}
