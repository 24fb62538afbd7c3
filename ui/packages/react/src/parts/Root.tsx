import { connect } from "@tallystick/client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type CSSProperties, type ReactNode, useMemo, useState } from "react";
import { ApiContext, Refusal } from "../data/api.js";
import { type Locale, Words } from "../data/words.js";
import { News } from "./News.js";

export type Theme = "system" | "light" | "dark";

/** Names of tokens without their `--tally-`: `{ primary: "#7c3aed", radius: "4px" }`. */
export type Tokens = Partial<Record<"ground" | "panel" | "ink" | "quiet" | "line" | "edge" | "primary" | "on-primary" | "font" | "radius", string>>;

export interface BillingProps {
  /** Where the service answers, such as "https://billing.example.com"; "" is this page's own origin. */
  apiUrl: string;
  locale?: Locale;
  theme?: Theme;
  tokens?: Tokens;
  /** Whether money is real; "sandbox" and "test" are said in a banner. */
  mode?: "live" | "test" | "sandbox";
}

const AGAIN_MAX = 2;

function newQueries(): QueryClient {
  // What was refused is refused again; only what did not arrive is worth another try.
  const retry = (count: number, error: Error) => count < AGAIN_MAX && error instanceof Refusal && error.status === 0;
  return new QueryClient({ defaultOptions: { queries: { retry, retryDelay: 500, staleTime: 5_000 }, mutations: { retry: false } } });
}

export function Root({ apiUrl, locale = "en", theme = "system", tokens, children }: BillingProps & { children: ReactNode }) {
  const api = useMemo(() => connect(apiUrl), [apiUrl]);
  const [queries] = useState(newQueries);
  const style = Object.fromEntries(Object.entries(tokens ?? {}).map(([name, value]) => [`--tally-${name}`, value])) as CSSProperties;
  return (
    <div className="tally-root" data-theme={theme} lang={locale} style={style}>
      <Words locale={locale}>
        <QueryClientProvider client={queries}>
          <ApiContext.Provider value={api}>
            <News>{children}</News>
          </ApiContext.Provider>
        </QueryClientProvider>
      </Words>
    </div>
  );
}
