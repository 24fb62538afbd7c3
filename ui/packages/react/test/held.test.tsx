import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { BillingAdmin } from "../src/index.js";
import { customer, invoice, payment } from "./answers.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const held = { ...payment, decline: null, held: "amount", updated_at: "2026-03-07T09:00:00Z" };
const alert = {
  id: "alr_2", kind: "payment.held", customer: "acc_1", subject: "pay_1:amount", period_start: "2026-03-05T09:00:00Z", threshold: 0, at: "2026-03-06T09:00:00Z",
  facts: { payment: "pay_1", invoice: "INV-000001", amount_minor: "2400", currency: "usd", held_for: "amount", value: "24", limit: "20" },
}; // prettier-ignore
const sheet = (of: object) => ({ ...customer["GET /api/billing/invoices/inv_1"], payment: of });
const business = {
  "GET /v1/reports/customers": page([]),
  "GET /v1/invoices": page([invoice]),
  "GET /v1/invoices/inv_1/explanation": sheet(held),
  "GET /v1/alerts": page([{ ...alert, facts: { ...alert.facts, invoice: "INV-000009" } }, alert]),
};

const opened = async (answers: Record<string, unknown>, locale: "en" | "ja" = "en") => {
  const asked = serve(answers);
  const { container } = render(<BillingAdmin apiUrl={API} locale={locale} />);
  await userEvent.click(await screen.findByRole("button", { name: locale === "en" ? "Invoices" : "請求書" }));
  await userEvent.click(await screen.findByRole("button", { name: /INV-000001/ }));
  return { asked, container, dialog: within(await screen.findByRole("dialog")) };
};
const release = async (dialog: Awaited<ReturnType<typeof opened>>["dialog"]) => {
  await userEvent.click(await dialog.findByRole("button", { name: "Release: charge it as usual" }));
  await userEvent.type(dialog.getByLabelText("Reason, for the audit log"), "a large order");
  await userEvent.click(dialog.getByRole("button", { name: "Release: charge it as usual" }));
};

it("says that a payment is held, why, beyond which bound, and since when", async () => {
  const { asked, container, dialog } = await opened(business);
  const fact = async (name: string) => (await dialog.findByText(name)).nextElementSibling?.textContent;
  expect(await fact("Why")).toBe("The amount is far above what the customer has paid before");
  expect(await fact("Found")).toBe("$24");
  expect(await fact("At most")).toBe("$20");
  expect(await fact("Held since")).toMatch(/^Mar 6, 2026/);
  expect(asked.find((each) => each.path === "/v1/alerts")?.query.get("customer")).toBe("acc_1");
  expect(await violations(container)).toEqual([]);
});

it.each([
  ["lines", "The invoice has too many lines", "請求書の明細行が多すぎます"],
  ["charges", "Too many charges were begun for the customer on this day (UTC)", "同じ日（UTC）の請求の回数が多すぎます"],
])("has words for %s in both languages, also where no alert is found any more", async (reason, english, japanese) => {
  const answers = { ...business, "GET /v1/invoices/inv_1/explanation": sheet({ ...held, held: reason }) };
  const { dialog } = await opened(answers);
  expect(await dialog.findByText(english)).toBeDefined();
  expect(dialog.queryByText("Held since")).toBeNull();
  document.body.replaceChildren();
  expect(await (await opened(answers, "ja")).dialog.findByText(japanese)).toBeDefined();
});

it("releases it once a reason is said, and shows that it is released", async () => {
  let now: object = held;
  const { asked, dialog } = await opened({
    ...business,
    "GET /v1/invoices/inv_1/explanation": () => sheet(now),
    "POST /v1/invoices/inv_1/release": () => (now = { ...held, held: null, released_at: "2026-03-18T12:00:00Z" }),
  });
  await release(dialog);
  const said = await dialog.findByText(/^The payment was held. It was released on Mar 18, 2026/);
  expect(document.activeElement).toBe(said);
  expect(dialog.queryByRole("button", { name: "Release: charge it as usual" })).toBeNull();
  expect(asked.find((each) => each.method === "POST")?.body).toEqual({ reason: "a large order" });
});

it("says why it could not be released", async () => {
  const { dialog } = await opened({ ...business, "POST /v1/invoices/inv_1/release": problem(409, "not_open", "inv_1: its payment is succeeded") });
  await release(dialog);
  expect(await dialog.findByText("inv_1: its payment is succeeded")).toBeDefined();
});

it("does not offer to release what the customer has paid meanwhile", async () => {
  const { dialog } = await opened({ ...business, "GET /v1/invoices/inv_1/explanation": sheet({ ...held, status: "succeeded" }) });
  expect(await dialog.findByText("Issued")).toBeDefined();
  expect(dialog.queryByRole("button", { name: "Release: charge it as usual" })).toBeNull();
});
