// Follows the events: the service answers with server-sent events for a minute, and then it is asked anew, from where it was.
import type { Api, Schemas } from "@tallystick/client";
import { useEffect, useRef, useState } from "react";
import { Refusal, useApi } from "./api.js";

export type Verdict = Schemas["VerdictShown"];
export type Following = "off" | "connecting" | "live" | "again";

export const ROWS_MAX = 100;
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 15_000;

interface Frame {
  id?: string;
  event?: string;
  data?: string;
}

/** The whole frames of what has come so far, and what is only begun. */
export function framesOf(text: string): { frames: Frame[]; rest: string } {
  const parts = text.split("\n\n");
  const rest = parts.pop() ?? "";
  const frames = parts.map((part) => {
    const lines = part.split("\n").filter((line) => !line.startsWith(":"));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])) as Frame;
  });
  return { frames, rest };
}

export const keyOf = (row: Verdict) => [row.verdict, row.at, row.event?.customer, row.event?.source, row.id].join(" ");

/** The newest first, each once, however often it came; no more than are looked at. */
export function withNews(rows: Verdict[], news: Verdict[]): Verdict[] {
  const known = new Set(rows.map(keyOf));
  const fresh = news.filter((row) => !known.has(keyOf(row)));
  return fresh.length ? [...fresh.reverse(), ...rows].slice(0, ROWS_MAX) : rows;
}

interface Told {
  state: (state: Following) => void;
  frames: (frames: Frame[]) => void;
  refused: (refusal: Refusal) => void;
}

async function read(response: Response, told: Told): Promise<void> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    const { frames, rest } = framesOf(text + decoder.decode(part.value, { stream: true }));
    text = rest;
    told.frames(frames);
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const said = (await response.json().catch(() => ({}))) as Record<string, string | undefined>;
  const requestId = said.request_id ?? response.headers.get("x-request-id") ?? "";
  return new Refusal(response.status, said.code ?? `http_${response.status}`, said.detail ?? response.statusText, requestId);
}

async function follow(api: Api, query: string, last: { current?: string }, told: Told, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      const headers = { Accept: "text/event-stream", "X-Requested-With": "tallystick", ...(last.current && { "Last-Event-ID": last.current }) };
      const request = new Request(`${api.root || location.origin}/v1/events/tail?${query}`, { credentials: "include", headers });
      const response = await globalThis.fetch(request, { signal });
      if (!response.ok) throw await refusalOf(response);
      told.state("live");
      failures = 0;
      await read(response, told);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status < 500) return told.refused(error);
      failures += 1;
      told.state("again");
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(AGAIN_MS * 2 ** failures, AGAIN_MAX_MS)));
  }
}

/** What becomes of each event of this customer and meter ("": of all), for as long as it is followed. */
export function useTail(followed: boolean, customer: string, meter: string) {
  const api = useApi();
  const last = useRef<string>(undefined);
  const [rows, setRows] = useState<Verdict[]>([]);
  const [state, setState] = useState<Following>("off");
  const [skipped, setSkipped] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  useEffect(() => {
    if (!followed) return;
    const stop = new AbortController();
    const query = new URLSearchParams({ ...(customer && { customer }), ...(meter && { meter }) }).toString();
    const frames = (came: Frame[]) => {
      last.current = came.findLast((frame) => frame.id)?.id ?? last.current;
      if (came.some((frame) => frame.event === "skipped")) setSkipped(true);
      const news = came.filter((frame) => frame.event === "verdict").map((frame) => JSON.parse(frame.data ?? "null") as Verdict);
      if (news.length) setRows((before) => withNews(before, news));
    };
    setState("connecting");
    setRefusal(null);
    void follow(api, query, last, { state: setState, frames, refused: setRefusal }, stop.signal);
    return () => {
      stop.abort();
      setState("off");
    };
  }, [api, followed, customer, meter]);
  return { rows, state, skipped, refusal };
}
