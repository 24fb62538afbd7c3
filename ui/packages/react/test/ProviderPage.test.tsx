import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { BillingAdmin } from "../src/index.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const at = "2026-03-18T12:00:00Z";
const job = { id: "7", name: "collect", subject: "pay_1", status: "failing", attempts: 9, run_at: at, error: "api_error: down (req_8cGz)", request_ids: ["req_8cGz"] };
const jobs = { due: 2, dead: 0, lag_seconds: 95, worker_seen_at: at, data: [] as unknown[] };
const comparison = { id: "rec_1", status: "done", actor: "cli", at, done_at: at, since: "2026-02-16T12:00:00Z", repair: false, equal: { payments: 12 }, differs: 1, repaired: 0 };
const finding = {
  part: "payments", subject: "pay_9", ref: "pi_9", ours: "open 19.00 USD", theirs: null, reason: "the provider does not know it", verdict: "differs", repairable: false, left: null,
};
const delivery = { id: "evt_1", kind: "payment_intent.succeeded", about: "pi_1", status: "parked", reason: "no such payment", created_at: at, received_at: at, settled_at: null };

const service = {
  "GET /v1/reports/customers": page([]),
  "GET /v1/jobs": ({ query }: { query: URLSearchParams }) => ({ ...jobs, data: query.get("status") === "failing" ? [job] : [] }),
  "GET /readyz": {
    status: "ok", database: "ok", schema_version: "0022", worker: "ok", jobs_due: 2, jobs_dead: 1, job_lag_seconds: 95, worker_seen_at: at, provider: "sandbox", provider_status: "ok",
    circuits: { payments: "open" },
  },
  "GET /v1/reconciliations": page([comparison]),
  "GET /v1/reconciliations/rec_1": { ...comparison, findings: [finding] },
  "POST /v1/reconcile": { ...comparison, id: "rec_2", status: "waiting" },
  "GET /v1/provider-events": page([delivery]),
  "POST /v1/provider-events/evt_1/replay": { ...delivery, status: "new" },
  "POST /v1/jobs/7/retry": { ...job, run_at: at },
};

async function shown(section: string, answers: Record<string, unknown> = service, locale: "en" | "ja" = "en") {
  const asked = serve(answers);
  const { container } = render(<BillingAdmin apiUrl={API} locale={locale} mode="test" />);
  await userEvent.click(await screen.findByRole("button", { name: section }));
  return { asked, container };
}

it("lists work by where it is, with the provider's request ids, and does one of it now", async () => {
  const { asked, container } = await shown("Work");
  expect(await screen.findByText("Nothing was given up")).toBeDefined();
  expect(screen.getByText("95 seconds")).toBeDefined();
  await userEvent.selectOptions(screen.getByLabelText("Which"), "failing");
  expect(await screen.findByText("req_8cGz")).toBeDefined();
  expect(screen.getByText("Collect a payment")).toBeDefined();
  expect(await violations(container)).toEqual([]);
  await userEvent.click(screen.getByRole("button", { name: "Do pay_1 now" }));
  expect(await screen.findByText("1 job begins anew")).toBeDefined();
  expect(asked.some((each) => each.method === "POST" && each.path === "/v1/jobs/7/retry")).toBe(true);
});

it("shows whether the provider answers, and what is left alone", async () => {
  const { container } = await shown("Provider");
  const provider = within(await screen.findByRole("region", { name: "Provider" }));
  expect(await provider.findByText("It answers")).toBeDefined();
  expect(provider.getByText("Not asked")).toBeDefined();
  expect(await screen.findByText("payment_intent.succeeded")).toBeDefined();
  expect(await violations(container)).toEqual([]);
});

it("shows both halves of what differs, side by side", async () => {
  await shown("Provider");
  await userEvent.click(await screen.findByRole("button", { name: /^Show the comparison/ }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(await dialog.findByText("open 19.00 USD")).toBeDefined();
  expect(dialog.getByText("not there")).toBeDefined();
  expect(dialog.getByText("Look at it")).toBeDefined();
  expect(await violations(screen.getByRole("dialog"))).toEqual([]);
});

it("compares when it is told to, and repairs only after it has asked", async () => {
  const { asked } = await shown("Provider");
  const posted = () => asked.filter((each) => each.path === "/v1/reconcile").map((each) => each.body);
  await userEvent.click(await screen.findByRole("button", { name: "Compare now" }));
  expect(await screen.findByText("The comparison begins.")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Compare and repair" }));
  expect(posted()).toEqual([{ repair: false }]);
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Repair" }));
  expect(posted()).toEqual([{ repair: false }, { repair: true }]);
});

it("settles a delivery anew", async () => {
  await shown("Provider");
  await userEvent.click(await screen.findByRole("button", { name: "Settle evt_1 anew" }));
  expect(await screen.findByText("It is settled anew by the worker.")).toBeDefined();
});

it("has words where nothing is there, and where nothing can be read", async () => {
  await shown("Provider", { ...service, "GET /v1/reconciliations": page([]), "GET /v1/provider-events": page([]), "GET /readyz": problem(503, "busy", "locked") });
  expect(await screen.findByText("Nothing was compared yet")).toBeDefined();
  expect(screen.getByText("Nothing came in")).toBeDefined();
  expect(await screen.findByText("locked")).toBeDefined();
});

it.each(["処理", "決済サービス"])("has words of its own in Japanese for %s", async (section) => {
  const { container } = await shown(section, service, "ja");
  await screen.findAllByText("95 秒");
  expect(container.textContent).not.toMatch(/Provider|Work|Compare|Given up/);
});
