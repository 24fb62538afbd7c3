import type { Locale, Theme } from "@tallystick/react";
import type { Account } from "./me.js";
import { words } from "./words.js";

interface Props {
  page: "billing" | "admin";
  account: Account | null;
  locale: Locale;
  theme: Theme;
  setLocale: (locale: Locale) => void;
  setTheme: (theme: Theme) => void;
  logOut: () => void;
}

const LOCALES: [Locale, string][] = [
  ["en", "English"],
  ["ja", "日本語"],
];
const THEMES = ["system", "light", "dark"] as const;

export function TopBar({ page, account, locale, theme, setLocale, setTheme, logOut }: Props) {
  const say = words[locale];
  return (
    <header className="top">
      <strong className="brand">Tallystick</strong>
      {account?.role === "admin" && (
        <nav aria-label="Tallystick">
          <a href="billing" aria-current={page === "billing" ? "page" : undefined}>
            {say.billing}
          </a>
          <a href="admin" aria-current={page === "admin" ? "page" : undefined}>
            {say.admin}
          </a>
        </nav>
      )}
      <div className="choices">
        <select aria-label={say.language} value={locale} onChange={(event) => setLocale(event.target.value === "ja" ? "ja" : "en")}>
          {LOCALES.map(([each, name]) => (
            <option key={each} value={each} lang={each}>
              {name}
            </option>
          ))}
        </select>
        <select aria-label={say.theme} value={theme} onChange={(event) => setTheme(THEMES.find((each) => each === event.target.value) ?? "system")}>
          {THEMES.map((each) => (
            <option key={each} value={each}>
              {say[each]}
            </option>
          ))}
        </select>
        {account && (
          <>
            <span className="who t-quiet">{account.email ?? account.id}</span>
            <button type="button" onClick={logOut}>
              {say.log_out}
            </button>
          </>
        )}
      </div>
    </header>
  );
}
