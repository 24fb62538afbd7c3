import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { framesOf, ROWS_MAX, withNews } from "../src/data/tail.js";
import { BillingAdmin } from "../src/index.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const event = { customer: "ada", source: "app", id: "e1", meter: "tokens", quantity: "1.5", at: "2026-03-18T12:00:00Z", unit_price: null, properties: {} };
const recorded = { at: "2026-03-18T12:00:01Z", id: "e1", verdict: "recorded", code: null, reason: null, event };
const refused = { at: "2026-03-18T12:00:02Z", id: "", verdict: "refused", code: "invalid_input", reason: "customer: is missing", event: null };

const frame = (id: number, data: unknown, name = "verdict") => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const stream = (text: string) => new Response(text, { headers: { "content-type": "text/event-stream" } });

const service = {
  "GET /v1/events/refusals": { data: [] },
  "GET /v1/reports/customers": page([]),
  "GET /v1/meters": page([{ key: "tokens", aggregation: "sum", decimals: 0, unit: "token", allow_negative: false, unique_property: null }]),
};

async function debuggerOf(answers: Record<string, unknown>, locale: "en" | "ja" = "en") {
  const asked = serve({ ...service, ...answers });
  const { container } = render(<BillingAdmin apiUrl={API} locale={locale} mode="test" />);
  await userEvent.click(await screen.findByRole("button", { name: locale === "en" ? "Events" : "イベント" }));
  return { asked, container };
}

const live = async () => within(await screen.findByRole("region", { name: "Live" }));

it("follows events once it is told to, each once, and goes on where it was", async () => {
  const { asked, container } = await debuggerOf({ "GET /v1/events/tail": () => stream(`retry: 1000\n\n${frame(1, recorded)}${frame(2, refused)}`) });
  const tail = await live();
  expect(asked.some((each) => each.path === "/v1/events/tail")).toBe(false);
  await userEvent.click(tail.getByRole("button", { name: "Follow" }));
  expect(await tail.findByText("customer: is missing")).toBeDefined();
  expect(tail.getByRole("status").textContent).toContain("Live");
  await waitFor(() => expect(asked.filter((each) => each.path === "/v1/events/tail").length).toBeGreaterThan(1));
  expect(asked.findLast((each) => each.path === "/v1/events/tail")?.headers.get("last-event-id")).toBe("2");
  expect(tail.getAllByRole("row").length).toBe(3);
  expect(await violations(container)).toEqual([]);
  await userEvent.click(tail.getByRole("button", { name: "Pause" }));
  expect(tail.getByRole("status").textContent).toContain("Paused");
  expect(tail.getAllByRole("row").length).toBe(3);
});

it("follows one customer or meter, beginning anew with each", async () => {
  const { asked } = await debuggerOf({ "GET /v1/events/tail": ({ query }: { query: URLSearchParams }) => stream(query.get("customer") === "ben" ? "" : frame(1, recorded)) });
  const tail = await live();
  await userEvent.click(tail.getByRole("button", { name: "Follow" }));
  expect(await tail.findByText("e1")).toBeDefined();
  await userEvent.type(tail.getByLabelText("Customer id (optional)"), "ben{Enter}");
  expect(await tail.findByText("Nothing yet")).toBeDefined();
  const last = asked.findLast((each) => each.path === "/v1/events/tail");
  expect([last?.query.get("customer"), last?.headers.get("last-event-id")]).toEqual(["ben", null]);
});

it("says that it reconnects, that something was skipped, and why it may not follow", async () => {
  let times = 0;
  await debuggerOf({ "GET /v1/events/tail": () => (times++ ? stream("event: skipped\ndata: {}\n\n") : problem(503, "busy", "20 follow the events already")) });
  const tail = await live();
  await userEvent.click(tail.getByRole("button", { name: "Follow" }));
  expect(await tail.findByText("Reconnecting")).toBeDefined();
  expect(await tail.findByText(/More events came/)).toBeDefined();
});

it("stops following where that is refused", async () => {
  const { asked } = await debuggerOf({ "GET /v1/events/tail": () => problem(403, "forbidden", "this is for admins") });
  const tail = await live();
  await userEvent.click(tail.getByRole("button", { name: "Follow" }));
  expect(await tail.findByRole("alert")).toBeDefined();
  expect(asked.filter((each) => each.path === "/v1/events/tail").length).toBe(1);
});

it("finds an event by its id, and says why it counts no longer", async () => {
  const amendment = { customer: "ada", source: "app", id: "e1", status: "retracted", at: event.at, reason: "sent by a test", actor: "cli", replacement: null };
  const { asked } = await debuggerOf({
    "GET /v1/events/search": ({ query }: { query: URLSearchParams }) =>
      query.get("id") === "e1" ? { recorded: [{ ...recorded, amendment }], refused: [{ ...refused, id: "e1", reason: "an event of this name says something else" }] } : { recorded: [], refused: [] },
  });
  const found = within(await screen.findByRole("region", { name: "Find an event" }));
  await userEvent.type(found.getByLabelText("Event id"), "e1{Enter}");
  expect(await found.findByText("Counts no longer: sent by a test")).toBeDefined();
  expect(found.getByText("an event of this name says something else")).toBeDefined();
  await userEvent.type(found.getByLabelText("Event id"), "0{Enter}");
  expect(await found.findByText("No event has the id “e10”")).toBeDefined();
  expect(asked.at(-1)?.query.get("id")).toBe("e10");
});

it("has words of its own in Japanese", async () => {
  const { container } = await debuggerOf({ "GET /v1/events/tail": () => stream(frame(1, recorded)) }, "ja");
  await userEvent.click(await screen.findByRole("button", { name: "表示を開始" }));
  expect(await screen.findByText("記録済み")).toBeDefined();
  expect(container.textContent).not.toMatch(/Follow|Pause|Live|Verdict/);
});

it("reads frames however they are cut, and keeps no more rows than it says", () => {
  const { frames, rest } = framesOf(`: still here\n\n${frame(7, recorded)}id: 8\neve`);
  expect(frames.map((each) => each.id)).toEqual([undefined, "7"]);
  expect(rest).toBe("id: 8\neve");
  const many = Array.from({ length: ROWS_MAX + 5 }, (_, place) => ({ ...recorded, id: `e${place}`, event: { ...event, id: `e${place}` } }));
  const rows = withNews([], many);
  expect([rows.length, rows[0]?.id]).toEqual([ROWS_MAX, `e${ROWS_MAX + 4}`]);
  expect(withNews(rows, many.slice(-3))).toBe(rows);
});
