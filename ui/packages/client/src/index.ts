// The API as its own OpenAPI document has it: a caller for an app's users, and one for those who run the business.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];

type UserPaths = { [Path in keyof paths as Path extends `/api${infer Rest}` ? Rest : never]: paths[Path] };
type EnginePaths = { [Path in keyof paths as Path extends `/api/${string}` ? never : Path]: paths[Path] };

export interface Api {
  /** Where the service answers, without a slash at the end. */
  root: string;
  user: ReturnType<typeof createClient<UserPaths>>;
  engine: ReturnType<typeof createClient<EnginePaths>>;
}

// No form of another site can send this header, so the service knows that a page of ours asks.
const ours: Middleware = {
  onRequest({ request }) {
    request.headers.set("X-Requested-With", "tallystick");
    return request;
  },
};

/** `apiUrl` is where the service answers, such as "https://billing.example.com"; "" is this page's own origin. */
export function connect(apiUrl: string): Api {
  const root = apiUrl.replace(/\/+$/, "");
  const options = { credentials: "include" as const, fetch: (request: Request) => globalThis.fetch(request) };
  const user = createClient<UserPaths>({ ...options, baseUrl: `${root}/api` });
  const engine = createClient<EnginePaths>({ ...options, baseUrl: root });
  user.use(ours);
  engine.use(ours);
  return { root, user, engine };
}
