import type { Locale, Theme } from "@tallystick/react";
import { lazy, Suspense, useEffect, useState } from "react";
import { LogIn } from "./LogIn.js";
import { logOut, useMe } from "./me.js";
import { TopBar } from "./TopBar.js";
import { kept, keep } from "./kept.js";
import { words } from "./words.js";

const BillingAdmin = lazy(() => import("@tallystick/react/admin").then((found) => ({ default: found.BillingAdmin })));
const BillingDashboard = lazy(() => import("@tallystick/react/dashboard").then((found) => ({ default: found.BillingDashboard })));

interface Props {
  page: "billing" | "admin";
  mode: "live" | "test" | "sandbox";
  language: Locale;
}

/** The pages that the service serves: who is logged in, in which language and light, and one of the two components. */
export function Shell({ page, mode, language }: Props) {
  const [locale, setLocale] = useState<Locale>(() => kept("locale", ["en", "ja"]) ?? language);
  const [theme, setTheme] = useState<Theme>(() => kept("theme", ["system", "light", "dark"]) ?? "system");
  const [me, reload] = useMe();
  const say = words[locale];
  useEffect(() => {
    document.documentElement.lang = locale;
    document.documentElement.dataset.theme = theme;
    document.title = `${say[page]} · Tallystick`;
    keep("locale", locale);
    keep("theme", theme);
  }, [locale, theme, page, say]);

  const given = { apiUrl: root(), locale, theme, mode };
  const known = me.state === "known" ? me.account : null;
  return (
    <div className="tally-root shell" data-theme={theme}>
      <a className="skip" href="#main">
        {say.skip}
      </a>
      <TopBar
        page={page}
        account={known}
        locale={locale}
        theme={theme}
        setLocale={setLocale}
        setTheme={setTheme}
        logOut={() => void logOut().then(reload)}
      />
      <main id="main" tabIndex={-1}>
        {me.state === "asking" && <p role="status">{say.loading}</p>}
        {(me.state === "nobody" || me.state === "unreachable") && <LogIn say={say} unreachable={me.state === "unreachable"} done={reload} />}
        {known && page === "admin" && known.role !== "admin" && (
          <div className="t-page">
            <h1>{say.admin}</h1>
            <p className="t-failure">{say.not_admin.replace("{email}", known.email ?? known.id)}</p>
          </div>
        )}
        <Suspense fallback={<p role="status">{say.loading}</p>}>
          {known && page === "admin" && known.role === "admin" && <BillingAdmin {...given} hash />}
          {known && page === "billing" && <BillingDashboard {...given} />}
        </Suspense>
      </main>
    </div>
  );
}

/** Where the service answers: the directory of this very page, under whatever prefix it is. */
function root(): string {
  return new URL(".", location.href).href.replace(/\/$/, "");
}
