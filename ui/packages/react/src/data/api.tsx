import type { Api } from "@tallystick/client";
import { type QueryKey, type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { isBack } from "./back.js";

export const ApiContext = createContext<Api | null>(null);

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error("BillingDashboard and BillingAdmin bring this with them");
  return api;
}

/** A refusal of the service (RFC 9457), or that it could not be reached: then `code` is "unreachable". */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly requestId: string,
  ) {
    super(detail);
  }
}

interface Fetched<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

async function taken<T>(asked: Promise<Fetched<T>>): Promise<T> {
  let fetched: Fetched<T>;
  try {
    fetched = await asked;
  } catch {
    throw new Refusal(0, "unreachable", "", "");
  }
  const { data, error, response } = fetched;
  if (response.ok && data !== undefined) return data;
  const said = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const text = (name: string, otherwise: string) => (typeof said[name] === "string" ? said[name] : otherwise);
  throw new Refusal(
    response.status,
    text("code", `http_${response.status}`),
    text("detail", response.statusText),
    text("request_id", response.headers.get("x-request-id") ?? ""),
  );
}

const AGAIN_MS = 30_000;
const SOON_MS = 2_000;

/** What the API answers; asked again twice a minute while the page is looked at, where `live`, and more often by those who are just back from the provider, or while it `waits`. */
export function useRead<T>(
  key: QueryKey,
  ask: (api: Api) => Promise<Fetched<T>>,
  { live = false, enabled = true, waits }: { live?: boolean; enabled?: boolean; waits?: (data: T | undefined) => boolean } = {},
): UseQueryResult<T, Refusal> {
  const api = useApi();
  return useQuery<T, Refusal>({
    queryKey: key,
    queryFn: () => taken(ask(api)),
    enabled,
    ...(live && { refetchInterval: (query) => (isBack() || waits?.(query.state.data) ? SOON_MS : AGAIN_MS) }),
  });
}

/** Does something, and lets everything that was read be read anew. */
export function useAct<T, Given = void>(act: (api: Api, given: Given) => Promise<Fetched<T>>, done?: (answer: T) => void, keeps = false) {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation<T, Refusal, Given>({
    mutationFn: (given) => taken(act(api, given)),
    onSuccess: (answer) => {
      if (!keeps) void queries.invalidateQueries();
      done?.(answer);
    },
  });
}
