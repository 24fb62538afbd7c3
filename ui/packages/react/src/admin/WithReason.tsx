import { type FormEvent, useState } from "react";
import type { Refusal } from "../data/api.js";
import { useSay } from "../data/words.js";
import { Failure } from "../parts/Loaded.js";

interface Props {
  /** What it does, on its button. */
  name: string;
  /** What comes of it, said before it is done. */
  sure: string;
  look: "t-danger" | "t-main";
  act: { mutate: (reason: string) => void; isPending: boolean; error: Refusal | null };
}

/** A button for what is written down with a reason, which is asked for first. */
export function WithReason({ name, sure, look, act }: Props) {
  const say = useSay();
  const [asked, setAsked] = useState(false);
  const [reason, setReason] = useState("");
  if (!asked) {
    return (
      <p>
        <button type="button" className={look} onClick={() => setAsked(true)}>
          {name}
        </button>
      </p>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    act.mutate(reason);
  };
  return (
    <form onSubmit={submit}>
      <p>{sure}</p>
      <label className="t-field">
        <span>{say("common.reason")}</span>
        <input required maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      {act.error && <Failure error={act.error} title={say("common.not_done")} />}
      <div className="t-actions">
        <button type="submit" className={look} disabled={act.isPending}>
          {name}
        </button>
        <button type="button" onClick={() => setAsked(false)}>
          {say("common.cancel")}
        </button>
      </div>
    </form>
  );
}
