import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { BillingAdmin } from "../src/index.js";
import { violations } from "./axe.js";
import { API, page, problem, serve } from "./service.js";

const endpoint = { id: "ep_1", url: "https://example.com/in", types: ["*"], customer: null, enabled: true, disabled_reason: null, failures: 0 };
const dispatch = { target: "ep_1", channel: "webhook", status: "delivered", attempts: 1, next_at: null, response_status: 200, reply: null, error: null };
const message = { id: "msg_1", type: "alert.test", customer: null, created_at: "2026-03-18T12:00:00Z", body: {}, dispatches: [dispatch] };
const service = {
  "GET /v1/reports/customers": page([]),
  "GET /v1/webhook-endpoints": page([endpoint]),
  "GET /v1/webhook-messages": page([]),
  "GET /v1/webhook-messages/msg_1": message,
  "POST /v1/alerts/test": message,
};

async function shown(answers: Record<string, unknown> = service) {
  const asked = serve(answers);
  const { container } = render(<BillingAdmin apiUrl={API} mode="test" />);
  await userEvent.click(await screen.findByRole("button", { name: "Webhooks" }));
  return { asked, container, panel: within(await screen.findByRole("region", { name: "Test alert" })) };
}

it("sends a test alert to whom it is told, and shows how it fares there", async () => {
  const { asked, container, panel } = await shown();
  await panel.findByRole("option", { name: "https://example.com/in" });
  await userEvent.selectOptions(panel.getByLabelText("To"), "ep_1");
  await userEvent.click(panel.getByRole("button", { name: "Send a test alert" }));
  expect(await panel.findByText("Delivered")).toBeDefined();
  expect(asked.find((each) => each.path === "/v1/alerts/test")?.body).toEqual({ mail: false, endpoint: "ep_1" });
  expect(await violations(container)).toEqual([]);
});

it("says what to do where nobody would be told", async () => {
  const { panel } = await shown({ ...service, "POST /v1/alerts/test": problem(409, "nobody_to_tell", "alerts: nobody would be told; add an endpoint") });
  await userEvent.click(panel.getByRole("button", { name: "Send a test alert" }));
  expect(await panel.findByText(/add an endpoint/)).toBeDefined();
});
