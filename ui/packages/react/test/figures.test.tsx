import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { byReason } from "../src/admin/FailuresPanel.js";
import { axis, percent } from "../src/data/format.js";
import { datesBetween } from "../src/data/period.js";
import { BillingAdmin } from "../src/index.js";
import { ticksAround } from "../src/parts/Bars.js";
import { figures } from "./answers.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const business = {
  ...figures,
  "GET /v1/reports/customers": page([]),
  "GET /v1/reports/revenue": {
    by: "day",
    first: "2026-03-04",
    last: "2026-03-08",
    data: [
      { date: "2026-03-05", revenue: { amount: 9900, currency: "eur" } },
      { date: "2026-03-05", revenue: { amount: 500, currency: "usd" } },
      { date: "2026-03-07", revenue: { amount: -100, currency: "eur" } },
    ],
    totals: [
      { amount: 9800, currency: "eur" },
      { amount: 500, currency: "usd" },
    ],
  },
  "GET /v1/reports/business": { subscriptions_at_start: 3, subscriptions_now: 4, ended: 1, payments: {}, declines: [] },
};

const revenue = async (answers: Record<string, unknown>, locale: "en" | "ja" = "en") => {
  serve(answers);
  const { container } = render(<BillingAdmin apiUrl={API} locale={locale} />);
  await userEvent.click(await screen.findByRole("button", { name: locale === "en" ? "Revenue" : "売上" }));
  return container;
};
const panel = async (name: string) => within(await screen.findByRole("region", { name }));

it("shows what recurs as bars, and as a table with all that moved", async () => {
  const container = await revenue(business);
  const recurring = await panel("Monthly recurring revenue");
  expect(await recurring.findByText("$198.00")).toBeDefined();
  expect(await recurring.findByRole("img", { name: "Month by month, Feb 26 to Mar 26; last: $198.00" })).toBeDefined();
  await userEvent.click(recurring.getByRole("button", { name: "Show as a table" }));
  const [, february, march] = recurring.getAllByRole("row");
  expect(within(february as HTMLElement).getAllByText("$297.00")).toHaveLength(2);
  expect(within(march as HTMLElement).getByText("-$99.00")).toBeDefined();
  expect(await violations(container)).toEqual([]);
});

it("says how many customers left, and which part of them and of the money that is", async () => {
  await revenue(business);
  const churn = await panel("Churn");
  expect(await churn.findByText("March 2026: 1 of 3 customers left")).toBeDefined();
  await userEvent.click(churn.getByRole("button", { name: "Show as a table" }));
  expect(churn.getAllByText("33.33%").length).toBeGreaterThanOrEqual(2);
});

it("says which part of the payments failed, and why", async () => {
  await revenue(business);
  const failures = await panel("Failed payments");
  expect(await failures.findByText("March 2026: 2 of 8 payments failed; 1 of them paid in the end")).toBeDefined();
  expect(failures.getByText("there was not enough money on the card")).toBeDefined();
  expect(failures.getByText("25%")).toBeDefined();
});

it("leads from a top customer to their page", async () => {
  await revenue(business);
  const top = await panel("Top customers");
  expect(await top.findByText("$1,234.56")).toBeDefined();
  await userEvent.click(top.getByRole("button", { name: "Open Ada" }));
  expect(await screen.findByRole("button", { name: "Back" })).toBeDefined();
});

it("shows one currency at a time, and the days without any revenue too", async () => {
  await revenue(business);
  const earned = await panel("Revenue");
  expect(await earned.findByText("€98.00 + $5.00")).toBeDefined();
  await userEvent.click(earned.getByRole("button", { name: "Show as a table" }));
  expect(earned.getAllByRole("row")).toHaveLength(1 + 5);
  expect(earned.getByText("-€1.00")).toBeDefined();
  await userEvent.selectOptions(earned.getByLabelText("Currency"), "usd");
  expect(earned.getByText("$5.00")).toBeDefined();
});

it("has words where there is nothing yet, and where it cannot be had", async () => {
  const container = await revenue({
    ...business,
    "GET /v1/reports/mrr": { mrr: [], data: [] },
    "GET /v1/reports/payments": problem(503, "database_busy", "the database is busy"),
    "GET /v1/reports/top-customers": { data: [] },
  });
  expect(await screen.findAllByText("Nothing recurs yet")).toHaveLength(2);
  expect(await screen.findByText("the database is busy")).toBeDefined();
  expect(await (await panel("Top customers")).findByText("No revenue in this time")).toBeDefined();
  expect(await violations(container)).toEqual([]);
});

it("says all of it in Japanese", async () => {
  const container = await revenue(business, "ja");
  expect(await screen.findByText("2026年3月：3 社中 1 社が解約")).toBeDefined();
  expect(await screen.findByText("残高が不足していました")).toBeDefined();
  expect(container.textContent).not.toMatch(/Month|Churn|Failed|customer/);
});

it("adds the reasons of all months up, the most frequent first", () => {
  const of = (...reasons: [string, number][]) => ({ month: "", tried: 0, failed: 0, recovered: 0, failure_rate: null, reasons: reasons.map(([code, count]) => ({ code, count })) });
  expect(byReason([of(["a", 1], ["b", 2]), of(["a", 4])])).toEqual([
    { code: "a", count: 5 },
    { code: "b", count: 2 },
  ]);
});

it("has ticks below zero where a bar goes there", () => {
  expect(ticksAround([10, 20])).toEqual([0, 5, 10, 15, 20]);
  expect(ticksAround([-3, 18])).toEqual([-5, 0, 5, 10, 15, 20]);
  expect(ticksAround([-18, 3])).toEqual([-20, -15, -10, -5, 0, 5]);
  expect(ticksAround([])).toEqual([0, 1]);
});

it("writes shares and the figures beside a chart", () => {
  expect([percent("0.0333", "en-US"), percent("1", "ja-JP"), axis({ amount: 123456, currency: "usd" }, "en-US"), axis({ amount: 50000, currency: "jpy" }, "ja-JP")]).toEqual(["3.33%", "100%", "$1.23K", "￥5万"]);
});

it("knows the days and months between two", () => {
  expect(datesBetween("2026-02-27", "2026-03-01", "day")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
  expect(datesBetween("2025-12-01", "2026-02-01", "month")).toEqual(["2025-12-01", "2026-01-01", "2026-02-01"]);
});
