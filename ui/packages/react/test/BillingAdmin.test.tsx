import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { changed } from "../src/admin/AuditSection.js";
import { readPlace, writePlace } from "../src/admin/place.js";
import { eventAsCurl } from "../src/data/curl.js";
import { BillingAdmin } from "../src/index.js";
import { customer, figures, invoice } from "./answers.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const event = { customer: "ada", source: "app", id: "e'1", meter: "tokens", quantity: "1.5", at: "2026-03-18T12:00:00Z", unit_price: null, properties: {} };

const business = {
  ...figures,
  "GET /v1/reports/customers": page([
    { id: "ada", email: "ada@example.com", name: "Ada", created_at: "2026-01-05T09:00:00Z", plan: "starter", status: "past_due", owed: [{ amount: 1900, currency: "usd" }] },
  ]),
  "GET /v1/invoices": page([invoice]),
  "GET /v1/reports/revenue": {
    by: "day",
    first: "2026-03-05",
    last: "2026-03-06",
    data: [{ date: "2026-03-05", revenue: { amount: 9900, currency: "eur" } }],
    totals: [{ amount: 9900, currency: "eur" }],
  },
  "GET /v1/reports/business": { subscriptions_at_start: 3, subscriptions_now: 4, ended: 1, payments: { succeeded: 5, open: 1 }, declines: [{ code: "insufficient_funds", count: 1 }] },
  "GET /v1/events/refusals": {
    data: [
      { at: event.at, id: event.id, verdict: "refused", code: "invalid_input", reason: "quantity: too many places", event },
      { at: event.at, id: "", verdict: "refused", code: "invalid_input", reason: "customer: is missing", event: null },
    ],
  },
  "GET /v1/meters": page([{ key: "tokens", aggregation: "sum", decimals: 0, unit: "token", allow_negative: false, unique_property: null }]),
  "GET /v1/jobs": {
    due: 2,
    dead: 1,
    lag_seconds: 1,
    worker_seen_at: null,
    data: [{ id: "7", name: "collect", subject: "pay_1", status: "dead", attempts: 9, run_at: event.at, error: "provider_unavailable", request_ids: [] }],
  },
  "POST /v1/jobs/retry": { retried: 1 },
  "GET /v1/audit": page([
    { seq: 1, at: event.at, actor: "account:acc_1", action: "spend_cap.set", subject: "ada", before: { limit: 5, currency: "usd" }, after: { limit: 10, currency: "usd" }, reason: null, hash: "h" },
  ]),
  "GET /v1/webhook-endpoints": page([]),
  "GET /v1/webhook-messages": page([
    { id: "msg_1", type: "invoice.paid", customer: "ada", created_at: event.at, body: {}, dispatches: [{ target: "ep_1", channel: "webhook", status: "failed", attempts: 9, next_at: null, response_status: 500, reply: null, error: null }] },
  ]),
  "GET /v1/api-keys": page([
    { key_id: "k1", name: "production", scopes: ["events:write"], created_at: event.at, expires_at: null, revoked_at: null, last_used_at: null },
  ]),
  "POST /v1/api-keys": { key_id: "k2", name: "n", scopes: [], created_at: event.at, expires_at: null, revoked_at: null, last_used_at: null, token: "mk_sandbox_once" },
  "GET /v1/customers/ada": { id: "ada", email: "ada@example.com", name: "Ada", created_at: "2026-01-05T09:00:00Z" },
  "GET /v1/subscriptions": page([]),
  "GET /v1/reports/upcoming": customer["GET /api/billing/upcoming"],
  "GET /v1/customers/ada/entitlements": customer["GET /api/billing/entitlements"],
  "GET /v1/reports/usage-days": customer["GET /api/billing/usage/days"],
};

const shown = (locale: "en" | "ja" = "en") => render(<BillingAdmin apiUrl={API} locale={locale} mode="test" />);
const go = async (section: string) => userEvent.click(await screen.findByRole("button", { name: section }));

it("says that no real money moves", async () => {
  serve(business);
  shown();
  expect(screen.getByText("Test mode: no real money moves.")).toBeDefined();
  expect(await screen.findByText("Payment overdue")).toBeDefined();
});

it("searches customers, and has words for nobody", async () => {
  const asked = serve({ ...business, "GET /v1/reports/customers": ({ query }: { query: URLSearchParams }) => (query.get("search") === "bob" ? page([]) : business["GET /v1/reports/customers"]) });
  shown();
  await userEvent.type(await screen.findByLabelText("Find by id, e-mail or name"), "bob{Enter}");
  expect(await screen.findByText("Nobody matches “bob”")).toBeDefined();
  expect(asked.at(-1)?.query.get("search")).toBe("bob");
});

it("opens a customer with usage, next invoice and invoices", async () => {
  serve(business);
  shown();
  await userEvent.click(await screen.findByRole("button", { name: "Open Ada" }));
  expect(await screen.findByText("93 % used")).toBeDefined();
  expect(await screen.findByRole("img", { name: /tokens, day by day/ })).toBeDefined();
  expect(within(screen.getByRole("region", { name: "Next invoice" })).getByText("$24.00", { selector: "dd" })).toBeDefined();
});

it.each([
  ["Invoices", "INV-000001"],
  ["Revenue", "there was not enough money on the card"],
  ["Events", "quantity: too many places"],
  ["Work", "provider_unavailable"],
  ["Audit log", "limit: 5 → 10"],
  ["Webhooks", "invoice.paid"],
  ["API keys", "production"],
])("has a section %s in which axe finds nothing wrong", async (section, text) => {
  serve(business);
  const { container } = shown();
  await go(section);
  expect((await screen.findAllByText(text)).length).toBeGreaterThan(0);
  expect(await violations(container)).toEqual([]);
});

it.each(["顧客", "イベント", "処理", "API キー"])("has words of its own in Japanese for %s", async (section) => {
  serve({});
  const { container } = shown("ja");
  await go(section);
  await screen.findAllByText("there is no such thing");
  expect(container.textContent).not.toMatch(/Try again|Search|Loading/);
});

it("begins anew what was given up", async () => {
  serve(business);
  shown();
  await go("Work");
  await userEvent.click(await screen.findByRole("button", { name: "Begin all anew" }));
  expect(await screen.findByText("1 job begins anew")).toBeDefined();
});

it("sends a test event and says its verdict", async () => {
  const asked = serve({
    ...business,
    "POST /v1/events": { results: [{ id: "test-1", verdict: "refused", code: "invalid_input", reason: "quantity: has 1 places" }] },
  });
  shown();
  await go("Events");
  const form = within(await screen.findByRole("region", { name: "Send a test event" }));
  await userEvent.type(form.getByLabelText("Customer id"), "ada");
  await userEvent.click(form.getByRole("button", { name: "Send" }));
  expect(await form.findByText("quantity: has 1 places")).toBeDefined();
  expect(asked.find((each) => each.method === "POST")?.body).toMatchObject({ events: [{ customer: "ada", meter: "tokens", quantity: "1" }] });
});

it("shows a new key once", async () => {
  serve(business);
  shown();
  await go("API keys");
  await userEvent.click(await screen.findByRole("button", { name: "Make a key" }));
  await userEvent.type(screen.getByLabelText("Name"), "app");
  await userEvent.click(screen.getByRole("button", { name: "Make it" }));
  expect(await screen.findByText("mk_sandbox_once")).toBeDefined();
});

it("asks before a key is revoked", async () => {
  const asked = serve({ ...business, "DELETE /v1/api-keys/k1": {} });
  shown();
  await go("API keys");
  await userEvent.click(await screen.findByRole("button", { name: "Revoke production" }));
  expect(screen.getByText(/This cannot be undone/)).toBeDefined();
  expect(asked.some((each) => each.method === "DELETE")).toBe(false);
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Revoke it" }));
  expect(asked.some((each) => each.method === "DELETE")).toBe(true);
});

it("is gone about with the keyboard", async () => {
  serve(business);
  shown();
  await screen.findByText("Payment overdue");
  await userEvent.keyboard("gi");
  expect(await screen.findByText("INV-000001")).toBeDefined();
  await userEvent.keyboard("gc/");
  expect(document.activeElement).toBe(await screen.findByLabelText("Find by id, e-mail or name"));
  await userEvent.keyboard("ge");
  expect(screen.getByLabelText<HTMLInputElement>("Find by id, e-mail or name").value).toBe("ge");
});

it("tells those who may not see it what to do", async () => {
  serve({ "GET /v1/reports/customers": problem(403, "forbidden", "this is for admins") });
  shown();
  expect(await screen.findByText("Your account may not see this. Ask an admin for the role.")).toBeDefined();
});

it("keeps a place in the address, whatever a customer's id is made of", () => {
  for (const id of ["ada", "ben & sons", "a/b#c?d=%", "顧客"]) {
    expect(readPlace(writePlace({ section: "customers", id }))).toEqual({ section: "customers", id });
  }
  expect(readPlace("#nothing/known")).toMatchObject({ section: "customers" });
  expect(readPlace("#invoices/%E0")).toEqual({ section: "invoices" });
});

it("writes an event as a command that a shell takes as it is, without any key in it", () => {
  const text = eventAsCurl(event as never);
  expect(text).toContain("Bearer $TALLYSTICK_API_KEY");
  expect(text).toContain(`"id":"e'\\''1"`);
});

it("says of a change only what differs", () => {
  expect(changed({ before: { a: 1, b: "x" }, after: { a: 1, b: "y" } })).toBe("b: x → y");
  expect(changed({ before: null, after: { a: [1] } })).toBe("a: [1]");
  expect(changed({ before: null, after: null })).toBe("–");
});
