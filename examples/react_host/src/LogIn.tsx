import { type FormEvent, useState } from "react";
import { logIn, type Person } from "./session";

/** The host's own; with any other login it would look like that one. */
export function LogIn({ known }: { known: (person: Person) => void }) {
  const [failed, setFailed] = useState(false);

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const person = await logIn(String(form.get("name")), String(form.get("password")));
    setFailed(person === null);
    if (person !== null) known(person);
  }

  return (
    <form className="log-in" onSubmit={(event) => void send(event)}>
      <h1>Welcome back to Inkwell</h1>
      <label>
        Name
        <input name="name" autoComplete="username" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <p role="alert">{failed && "Nobody here has that name and password."}</p>
      <button type="submit">Log in</button>
    </form>
  );
}
