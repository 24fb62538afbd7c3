import { type FormEvent, useId, useState } from "react";
import { useRead } from "../data/api.js";
import { keyOf, ROWS_MAX, useTail } from "../data/tail.js";
import { useSay } from "../data/words.js";
import { Empty, Failure } from "../parts/Loaded.js";
import { Badge, Panel } from "../parts/Panel.js";
import { Choice } from "../parts/Search.js";
import { Table } from "../parts/Table.js";
import { verdictColumns } from "./eventColumns.js";

/** Events as they are recorded or refused, for as long as somebody looks; who looks says when it begins and when it stands still. */
export function TailPanel() {
  const say = useSay();
  const id = useId();
  const [followed, setFollowed] = useState(false);
  const [text, setText] = useState("");
  const [customer, setCustomer] = useState("");
  const [meter, setMeter] = useState("");
  const meters = useRead(["meters"], (api) => api.engine.GET("/v1/meters", { params: { query: { limit: 100 } } })).data?.data ?? [];
  const begin = (event: FormEvent) => {
    event.preventDefault();
    setCustomer(text.trim());
    setFollowed(true);
  };
  return (
    <Panel title={say("tail.title")} wide>
      <p className="t-quiet">{say("tail.hint")}</p>
      <form className="t-inline-form" onSubmit={begin}>
        <label className="t-field" htmlFor={`${id}-customer`}>
          <span>{say("tail.customer")}</span>
          <input id={`${id}-customer`} value={text} onChange={(event) => setText(event.target.value)} placeholder={say("common.all")} />
        </label>
        <Choice
          label={say("events.meter")}
          value={meter}
          options={[["", say("common.all")], ...meters.map((each): [string, string] => [each.key, each.key])]}
          choose={setMeter}
        />
        <button type="submit" className={followed ? undefined : "t-main"}>
          {say(followed ? "tail.apply" : "tail.begin")}
        </button>
        {followed && (
          <button type="button" onClick={() => setFollowed(false)}>
            {say("tail.pause")}
          </button>
        )}
      </form>
      <Followed key={`${customer} ${meter}`} customer={customer} meter={meter} followed={followed} />
    </Panel>
  );
}

function Followed({ customer, meter, followed }: { customer: string; meter: string; followed: boolean }) {
  const say = useSay();
  const { rows, state, skipped, refusal } = useTail(followed, customer, meter);
  const shown = state === "off" && rows.length ? "paused" : state;
  return (
    <>
      {/* Only how the connection stands is read out: rows that come by themselves would drown everything else. */}
      <p role="status" className="t-tail-state">
        {shown !== "off" && !refusal && (
          <>
            <Badge status={shown}>{say(`tail.${shown}`)}</Badge> <span className="t-quiet">{say(`tail.${shown}_hint`, { max: ROWS_MAX })}</span>
          </>
        )}
      </p>
      {refusal && <Failure error={refusal} title={say("tail.ended")} />}
      {skipped && <p className="t-stale">{say("tail.skipped")}</p>}
      {rows.length > 0 ? (
        <div className="t-tail" role="group" aria-label={say("tail.title")} tabIndex={0}>
          <Table caption={say("tail.title")} columns={verdictColumns(say)} rows={rows} keyOf={keyOf} />
        </div>
      ) : (
        state === "live" && <Empty title={say("tail.empty")} hint={say("tail.empty_hint")} />
      )}
    </>
  );
}
