import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { BillingDashboard } from "../src/index.js";
import { customer, standing, subscription } from "./answers.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const shown = (locale: "en" | "ja" = "en") => render(<BillingDashboard apiUrl={API} locale={locale} mode="sandbox" />);
const loaded = () => screen.findByRole("img", { name: /day by day|日ごと/ });

it("says how much of the quota is used, and what happens at the end of it", async () => {
  serve(customer);
  shown();
  expect(await screen.findByText(/93,000 of 100,000/)).toBeDefined();
  expect(screen.getByText("93 % used")).toBeDefined();
  expect(screen.getByText(/At 100 % further use is refused until Apr 5, 2026/)).toBeDefined();
  expect(screen.getByRole("meter", { name: "tokens" }).getAttribute("aria-valuenow")).toBe("93");
});

it.each([
  [{ policy: "soft" }, /Above 100 % you can go on/],
  [{ used: "100000", remaining: "0" }, /Used up: further use is refused/],
  [{ limit: null, remaining: null }, /There is no limit/],
])("says of a quota with %j what that means", async (difference, words) => {
  serve({ ...customer, "GET /api/billing/entitlements": { customer: "a", features: [], quotas: [{ ...standing, ...difference }] } });
  shown();
  expect(await screen.findByText(words)).toBeDefined();
});

it.each(["en", "ja"] as const)("has nothing that axe complains about, in %s", async (locale) => {
  serve(customer);
  const { container } = shown(locale);
  await loaded();
  expect(await violations(container)).toEqual([]);
});

it("opens a line of the next invoice to show how it was computed", async () => {
  serve(customer);
  shown();
  const panel = within(await screen.findByRole("region", { name: "Next invoice" }));
  await userEvent.click(await panel.findByText("API calls"));
  expect(panel.getByText(/500 × \$0.01/)).toBeDefined();
  expect(panel.getByText(/Exactly \$5, rounded once to \$5.00/)).toBeDefined();
});

it("shows the days as a chart, and as a table for those who read", async () => {
  serve(customer);
  shown();
  await loaded();
  await userEvent.click(screen.getByRole("button", { name: "Show as a table" }));
  expect(screen.getByRole("row", { name: /Mar 6, 2026 100/ })).toBeDefined();
});

it("shows what a change costs before it is made, and makes exactly that", async () => {
  const asked = serve(customer);
  shown();
  await userEvent.click(await screen.findByRole("button", { name: "Change plan" }));
  await userEvent.click(await screen.findByRole("button", { name: "See the price of Pro" }));
  expect(await screen.findAllByText("$45.67")).toHaveLength(2);
  expect(screen.getByText(/Takes effect at once, on Mar 18, 2026/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Change to Pro" }));
  expect(await screen.findByText("Done: you are on Pro now.")).toBeDefined();
  const accepted = asked.find((each) => each.path.endsWith("/accept"));
  expect(accepted?.path).toBe("/api/billing/subscription/previews/prv_1/accept");
  expect(accepted?.headers.get("x-requested-with")).toBe("tallystick");
});

it("offers to take back what was agreed for the end of the period", async () => {
  const asked = serve({
    ...customer,
    "GET /api/billing/subscription": { ...subscription, next_plan: "starter", plan_name: "Pro" },
    "POST /api/billing/subscription/undo": {},
  });
  shown();
  await userEvent.click(await screen.findByRole("button", { name: "Keep Pro" }));
  expect(await screen.findByText("It stays as it is.")).toBeDefined();
  expect(asked.some((each) => each.method === "POST" && each.path === "/api/billing/subscription/undo")).toBe(true);
});

it("tells the story of a payment in plain words, with what to do next", async () => {
  serve(customer);
  shown();
  await userEvent.click(await screen.findByRole("button", { name: "Open INV-000001" }));
  const sheet = within(await screen.findByRole("dialog"));
  expect(await sheet.findByText("Payment failed: there was not enough money on the card")).toBeDefined();
  expect(await sheet.findByText("Payment failed: the card was declined")).toBeDefined();
  expect(sheet.getByText("Is tried again by itself").parentElement?.textContent).toContain("Mar 13, 2026");
  expect(sheet.getByText(/Update the card or pay now/)).toBeDefined();
  expect(sheet.getByRole("button", { name: "Pay $24.00 now" })).toBeDefined();
  expect(sheet.getByRole("button", { name: "Use another card" })).toBeDefined();
});

it("has words for those who have nothing yet", async () => {
  serve({
    ...customer,
    "GET /api/billing/subscription": { ...subscription, status: "none", plan: null, current_period: null },
    "GET /api/billing/invoices": page([]),
    "GET /api/billing/upcoming": { data: [] },
  });
  shown();
  expect(await screen.findByText("No plan yet")).toBeDefined();
  expect(await screen.findByText("No invoices yet")).toBeDefined();
  expect(await screen.findByText("Nothing is coming up")).toBeDefined();
  expect(screen.getByRole("button", { name: "Choose a plan" })).toBeDefined();
});

it("says what was refused, with its code and the request to ask about, and tries again when told to", async () => {
  let broken = true;
  serve({
    ...customer,
    "GET /api/billing/upcoming": () => (broken ? problem(503, "database_busy", "the database is busy; ask again") : customer["GET /api/billing/upcoming"]),
  });
  shown();
  const alert = within(await screen.findByRole("alert"));
  expect(alert.getByText("the database is busy; ask again")).toBeDefined();
  expect(alert.getByText("database_busy")).toBeDefined();
  expect(alert.getByText(/req-7/)).toBeDefined();
  broken = false;
  await userEvent.click(alert.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("API calls")).toBeDefined();
});

it("keeps showing what it knows when it cannot ask anew, and says how old that is", async () => {
  let down = false;
  serve({ ...customer, "GET /api/billing/upcoming": () => (down ? problem(500, "surprise", "") : customer["GET /api/billing/upcoming"]) });
  shown();
  const panel = within(await screen.findByRole("region", { name: "Next invoice" }));
  await panel.findByText("API calls");
  down = true;
  await userEvent.click(panel.getByRole("button", { name: "Refresh" }));
  expect(await panel.findByText(/This may be out of date/)).toBeDefined();
  expect(panel.getByText("API calls")).toBeDefined();
});

it("sends whole percents as thresholds, and nothing else", async () => {
  const asked = serve({ ...customer, "PUT /api/billing/alert-thresholds": { meter: "tokens", thresholds: [50] } });
  shown();
  const field = await screen.findByLabelText("tokens: percents of the quota");
  await userEvent.clear(field);
  await userEvent.type(field, "50, half");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(screen.getByText(/Whole numbers from 1 to 1000/)).toBeDefined();
  await userEvent.clear(field);
  await userEvent.type(field, "50{Enter}");
  expect(await screen.findByText("Saved")).toBeDefined();
  expect(asked.filter((each) => each.method === "PUT").map((each) => each.body)).toEqual([{ meter: "tokens", thresholds: [50] }]);
});

it("speaks Japanese throughout", async () => {
  serve(customer);
  shown("ja");
  await loaded();
  expect(screen.getByRole("heading", { level: 1, name: "お支払い" })).toBeDefined();
  expect(screen.getByText(/100,000 のうち 93,000/)).toBeDefined();
  expect(screen.getByText(/100 % に達すると、2026\/04\/05 まで利用できなくなります/)).toBeDefined();
});

it("asks the provider's page in the way of its own origin", async () => {
  const assign = vi.fn();
  vi.stubGlobal("location", { ...location, href: "http://host.test/billing#x", assign });
  serve({ ...customer, "POST /api/billing/portal": { url: "http://portal.test/" } });
  shown();
  await userEvent.click(await screen.findByRole("button", { name: "Cards and receipts" }));
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith("http://portal.test/"));
});
