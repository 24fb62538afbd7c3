import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { BillingDashboard } from "../src/index.js";
import { customer } from "./answers.js";
import { violations } from "./axe.js";
import { API, serve } from "./service.js";

const days = customer["GET /api/billing/usage/days"];
const [coming] = customer["GET /api/billing/upcoming"].data as [(typeof customer)["GET /api/billing/upcoming"]["data"][number]];
const last = days.data.at(-1)?.date ?? "";
const ahead = {
  ...customer,
  "GET /api/billing/usage/days": { ...days, pace: { total: "3100", per_day: "100", since: last } },
  "GET /api/billing/upcoming": { data: [{ ...coming, at_pace: { ...coming, invoice: { ...coming.invoice, total: 4711 } } }] },
};
const shown = (answers: Record<string, unknown>, locale: "en" | "ja" = "en") => {
  serve(answers);
  return render(<BillingDashboard apiUrl={API} locale={locale} />);
};

it("says what the usage comes to at this pace, on the chart and in the table", async () => {
  const { container } = shown(ahead);
  expect(await screen.findByText(/At this pace about 3,100 by/)).toBeDefined();
  await screen.findByRole("img", { name: /day by day/ });
  expect(container.querySelectorAll(".t-coming")).toHaveLength(1);
  await userEvent.click(screen.getByRole("button", { name: "Show as a table" }));
  expect(screen.getAllByText("about 100")).toHaveLength(1);
  expect(await violations(container)).toEqual([]);
});

it("shows the next invoice as it is so far, and at this pace", async () => {
  shown(ahead);
  const panel = within(await screen.findByRole("region", { name: "Next invoice" }));
  await userEvent.click(await panel.findByRole("button", { name: "At this pace: $47.11" }));
  expect(panel.getAllByText("$47.11").length).toBeGreaterThanOrEqual(2);
  expect(panel.getByText(/If you go on as you have so far/)).toBeDefined();
  await userEvent.click(panel.getByRole("button", { name: "Show what it is so far" }));
  expect(panel.getByText(/So far, as things stand/)).toBeDefined();
});

it("says how many days the chart has, and one as one", async () => {
  shown(customer);
  expect(await screen.findByRole("img", { name: /day by day: 31 days, at most 3,000/ })).toBeDefined();
  document.body.replaceChildren();
  shown({ ...customer, "GET /api/billing/usage/days": { ...days, data: days.data.slice(1, 2) } });
  expect(await screen.findByRole("img", { name: /day by day: 1 day, at most 100/ })).toBeDefined();
});

it("says nothing of a pace where there is none", async () => {
  const { container } = shown(customer);
  await screen.findByRole("img", { name: /day by day/ });
  expect(container.textContent).not.toContain("At this pace");
});

it("says it in Japanese", async () => {
  shown(ahead, "ja");
  expect(await screen.findByText(/このペースなら .* までに約 3,100/)).toBeDefined();
});
