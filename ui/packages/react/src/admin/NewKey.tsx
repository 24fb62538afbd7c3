import { type FormEvent, useState } from "react";
import { useAct } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Copy } from "../parts/Copy.js";
import { Dialog } from "../parts/Dialog.js";
import { Failure } from "../parts/Loaded.js";

const SCOPES = ["events:write", "usage:read", "quota:consume", "billing:read", "billing:write", "admin"] as const;
type Scope = (typeof SCOPES)[number];

/** A new key; it is shown once, here, and kept nowhere. */
export function NewKey({ onClose }: { onClose: () => void }) {
  const say = useSay();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["events:write"]);
  const make = useAct((api) => api.engine.POST("/v1/api-keys", { body: { name, scopes, expires_in_days: 365 } }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const toggle = (scope: Scope, on: boolean) => setScopes(on ? [...scopes, scope] : scopes.filter((each) => each !== scope));
  const token = make.data?.token;
  if (token) {
    return (
      <Dialog title={say("keys.make")} onClose={onClose}>
        <p>{say("keys.token")}</p>
        <p className="t-token">
          <code>{token}</code>
        </p>
        <Copy text={token} />
      </Dialog>
    );
  }
  return (
    <Dialog title={say("keys.make")} onClose={onClose}>
      <form onSubmit={submit}>
        <label className="t-field">
          <span>{say("keys.name")}</span>
          <input required maxLength={256} value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <fieldset>
          <legend>{say("keys.scopes")}</legend>
          {SCOPES.map((scope) => (
            <label key={scope} className="t-check">
              <input type="checkbox" checked={scopes.includes(scope)} onChange={(event) => toggle(scope, event.target.checked)} />
              {scope}
            </label>
          ))}
        </fieldset>
        {make.error && <Failure error={make.error} title={say("common.not_done")} />}
        <button type="submit" className="t-main" disabled={make.isPending || scopes.length === 0}>
          {say("keys.make_it")}
        </button>
      </form>
    </Dialog>
  );
}
