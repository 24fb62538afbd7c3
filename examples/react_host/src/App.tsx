import { BillingAdmin, BillingDashboard, type BillingProps, type Tokens } from "@tallystick/react";
import { useEffect, useState } from "react";
import { LogIn } from "./LogIn";
import { logOut, type Person, whoIsThere, write } from "./session";

// Inkwell's look: plum and square. What is not named here stays as it comes, in light and dark.
const TOKENS: Tokens = {
  ground: "light-dark(#fdf8ff, #150a1c)",
  panel: "light-dark(#ffffff, #21132b)",
  primary: "light-dark(#6b21a8, #d8b4fe)",
  "on-primary": "light-dark(#ffffff, #2e1065)",
  radius: "2px",
  font: "Georgia, serif",
};

// `install(shop, billing, …)` in main.py puts the engine there.
const BILLING: BillingProps = {
  apiUrl: "/billing",
  locale: navigator.language.startsWith("ja") ? "ja" : "en",
  mode: "sandbox",
  tokens: TOKENS,
};

/** A page of the host's: its own bar on top, its own login in front, and one of the two components in the middle. */
export function App() {
  const [person, setPerson] = useState<Person | null>();
  const [news, setNews] = useState("");
  useEffect(() => void whoIsThere().then(setPerson), []);
  if (person === undefined) return <p role="status">One moment…</p>;

  return (
    <>
      <header className="bar">
        <strong>Inkwell</strong>
        {person && (
          <>
            <span>{person.name}</span>
            {!person.is_staff && (
              <button type="button" onClick={() => void write().then((done) => setNews(done ? "Written: 1,000 tokens." : "Your plan does not allow that."))}>
                Write something
              </button>
            )}
            <button type="button" onClick={() => void logOut().then(() => setPerson(null))}>
              Log out
            </button>
          </>
        )}
        <span role="status">{news}</span>
      </header>
      <main>
        {person === null && <LogIn known={setPerson} />}
        {person?.is_staff === false && <BillingDashboard {...BILLING} />}
        {person?.is_staff && <BillingAdmin {...BILLING} />}
      </main>
    </>
  );
}
