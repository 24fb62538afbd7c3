import { type FormEvent, useState } from "react";
import { Marked } from "../../../packages/react/src/parts/Marked.js";
import { api } from "./me.js";
import type { ShellWords } from "./words.js";

interface Props {
  say: ShellWords;
  unreachable: boolean;
  done: () => void;
}

const KNOWN = ["wrong_password", "email_taken", "common_password", "too_many_tries"] as const;

/** The page's own words for what happens to people; what is left says what is wrong with which field. */
function inWords(say: ShellWords, { code, detail = "" }: { code?: string; detail?: string }): string {
  const known = KNOWN.find((each) => each === code);
  return known ? say[known] : detail;
}

/** Accounts of the service itself; where a host brings its own users, they are logged in before they come here. */
export function LogIn({ say, unreachable, done }: Props) {
  const [isNew, setNew] = useState(false);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = { email: String(form.get("email")), password: String(form.get("password")) };
    setBusy(true);
    try {
      const { error } = isNew ? await api.user.POST("/auth/register", { body }) : await api.user.POST("/auth/login", { body });
      const said = error as { code?: string; detail?: string } | undefined;
      setWrong(said ? inWords(say, said) : "");
      if (!said) done();
    } catch {
      setWrong(say.unreachable);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="t-panel login" aria-labelledby="log-in">
      <h1 id="log-in">{isNew ? say.register : say.log_in}</h1>
      {unreachable && <p className="t-failure">{say.unreachable}</p>}
      <form onSubmit={(event) => void send(event)}>
        <label className="t-field">
          <span>{say.email}</span>
          <input name="email" type="text" inputMode="email" autoComplete="username" required />
        </label>
        <label className="t-field">
          <span>{say.password}</span>
          <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required minLength={8} />
        </label>
        <div role="alert">{wrong && <p className="t-failure">{wrong}</p>}</div>
        <button type="submit" className="t-main" disabled={busy}>
          {isNew ? say.register : say.log_in}
        </button>
      </form>
      <button type="button" className="t-link" onClick={() => setNew(!isNew)}>
        {isNew ? say.known_here : say.new_here}
      </button>
      {!isNew && (
        <p className="t-quiet">
          <Marked text={say.hint} />
        </p>
      )}
    </section>
  );
}
