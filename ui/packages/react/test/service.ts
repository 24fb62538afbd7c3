// The service of a test: answers by method and path, as recorded from the real one; what is not here is a 404 problem.
import { vi } from "vitest";

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: Headers;
}

type Answer = unknown | ((asked: Asked) => Response | unknown);

export const API = "http://service.test";

export function problem(status: number, code: string, detail: string): Response {
  const body = { type: "about:blank", title: code, status, code, detail, request_id: "req-7" };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

export function serve(answers: Record<string, Answer>): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    const text = await request.text();
    const one: Asked = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      body: text ? JSON.parse(text) : undefined,
      headers: request.headers,
    };
    asked.push(one);
    const answer = answers[`${one.method} ${one.path}`];
    const said = typeof answer === "function" ? answer(one) : answer;
    if (said instanceof Response) return said;
    if (said === undefined) return problem(404, "not_found", "there is no such thing");
    return new Response(JSON.stringify(said), { status: 200, headers: { "content-type": "application/json" } });
  });
  return asked;
}

export const page = <T>(data: T[], next_cursor: string | null = null) => ({ data, has_more: next_cursor !== null, next_cursor });
