import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { BillingAdmin } from "../src/index.js";
import { customer, payment } from "./answers.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const dunning = {
  invoice: "inv_1", number: "INV-000001", customer: "ada", subscription: "sub_1", total: 9900, currency: "eur", state: "retrying", code: "insufficient_funds",
  reason: "There is not enough money on the card.", ask: "patience", tries: 1, begun_at: "2026-03-01T09:00:00Z", failed_at: "2026-03-08T09:00:00Z",
  next_at: "2026-03-15T09:00:00Z", attempts: null, letters: null,
}; // prettier-ignore
const attempt = { cause: "first", due_at: "2026-03-01T09:00:00Z", begun_at: "2026-03-01T09:00:00Z", failed_at: "2026-03-01T09:00:00Z", code: "insufficient_funds", reason: "x" };
const business = {
  "GET /v1/reports/customers": page([]),
  "GET /v1/dunning": page([dunning]),
  "GET /v1/dunning/inv_1": {
    ...dunning,
    attempts: [attempt, { ...attempt, cause: "schedule", begun_at: "2026-03-08T09:00:00Z", failed_at: "2026-03-08T09:00:00Z" }],
    letters: [
      { id: "msg_1", type: "payment.failed", at: "2026-03-01T09:00:01Z", status: "delivered" },
      { id: "msg_2", type: "payment.failed", at: "2026-03-08T09:00:01Z", status: "failed" },
    ],
  },
};

const shown = async (answers: Record<string, unknown>, locale: "en" | "ja" = "en") => {
  const asked = serve(answers);
  const { container } = render(<BillingAdmin apiUrl={API} locale={locale} />);
  await userEvent.click(await screen.findByRole("button", { name: locale === "en" ? "Dunning" : "督促" }));
  return { asked, container };
};
const opened = async (answers: Record<string, unknown>) => {
  const found = await shown(answers);
  await userEvent.click(await screen.findByRole("button", { name: "Open INV-000001" }));
  return { ...found, dialog: within(await screen.findByRole("dialog")) };
};

it("lists who owes what, why it failed, and what happens next", async () => {
  const { asked, container } = await shown(business);
  const row = within((await screen.findByText("INV-000001")).closest("tr") as HTMLElement);
  expect(row.getByText("€99.00")).toBeDefined();
  expect(row.getByText("Is tried again")).toBeDefined();
  expect(row.getByText("there was not enough money on the card")).toBeDefined();
  expect(row.getByText(/Mar 15, 2026/)).toBeDefined();
  expect(asked.at(-1)?.query.getAll("state")).toEqual(["retrying", "waiting", "trying", "given_up"]);
  expect(await violations(container)).toEqual([]);
});

it("asks for one state, and has words where none is in it", async () => {
  const { asked } = await shown({ ...business, "GET /v1/dunning": page([]) });
  expect(await screen.findByText("Nothing is being dunned for")).toBeDefined();
  await userEvent.selectOptions(screen.getByLabelText("State"), "given_up");
  expect(await screen.findByText("None is in this state")).toBeDefined();
  expect(asked.at(-1)?.query.getAll("state")).toEqual(["given_up"]);
});

it("tells every attempt and letter in their order, and what comes next", async () => {
  const { dialog, container } = await opened(business);
  await dialog.findByText("Tried again by the calendar: there was not enough money on the card");
  expect(dialog.getAllByRole("listitem").map((each) => each.querySelector("span")?.textContent)).toEqual([
    "First attempt: there was not enough money on the card",
    "Letter that the payment failed: sent",
    "Tried again by the calendar: there was not enough money on the card",
    "Letter that the payment failed: could not be sent",
    "Is tried again by itself",
  ]);
  expect(await violations(container)).toEqual([]);
});

it("stops it by taking the invoice back, once a reason is said and it was asked", async () => {
  const { asked, dialog } = await opened({ ...business, "POST /v1/invoices/inv_1/void": { id: "inv_1" } });
  await userEvent.click(await dialog.findByRole("button", { name: "Stop: take the invoice back" }));
  expect(dialog.getByText(/This cannot be undone/)).toBeDefined();
  expect(asked.some((each) => each.method === "POST")).toBe(false);
  await userEvent.type(dialog.getByLabelText("Reason, for the audit log"), "agreed on the phone");
  await userEvent.click(dialog.getByRole("button", { name: "Stop: take the invoice back" }));
  expect(await screen.findByText("Invoice INV-000001 is void; nothing more is asked for.")).toBeDefined();
  expect(asked.find((each) => each.method === "POST")?.body).toEqual({ reason: "agreed on the phone" });
});

it("says why it could not be stopped", async () => {
  const { dialog } = await opened({ ...business, "POST /v1/invoices/inv_1/void": problem(409, "illegal_transition", "invoice inv_1: is paid") });
  await userEvent.click(await dialog.findByRole("button", { name: "Stop: take the invoice back" }));
  await userEvent.type(dialog.getByLabelText("Reason, for the audit log"), "no");
  await userEvent.click(dialog.getByRole("button", { name: "Stop: take the invoice back" }));
  expect(await dialog.findByText("invoice inv_1: is paid")).toBeDefined();
});

it("offers no stop where it is over", async () => {
  const over = { ...dunning, state: "over", next_at: null };
  const { dialog } = await opened({ ...business, "GET /v1/dunning/inv_1": over });
  expect(await dialog.findByText("Over: paid, or taken back")).toBeDefined();
  expect(dialog.queryByRole("button", { name: "Stop: take the invoice back" })).toBeNull();
});

it("says where the next attempt is held, and can be released", async () => {
  const held = { ...customer["GET /api/billing/invoices/inv_1"], payment: { ...payment, held: "charges" } };
  const { dialog } = await opened({ ...business, "GET /v1/invoices/inv_1/explanation": held });
  expect(await dialog.findByText("Payment held")).toBeDefined();
  expect(dialog.getByRole("button", { name: "Release: charge it as usual" })).toBeDefined();
});

it("says all of it in Japanese", async () => {
  const { container } = await shown(business, "ja");
  expect(await screen.findByText("再試行予定", { selector: ".t-badge" })).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: /INV-000001/ }));
  expect(await screen.findByText("メール（支払いの失敗）：送信済み")).toBeDefined();
  expect(container.textContent).not.toMatch(/Tried|Letter|customer|Next/);
});
