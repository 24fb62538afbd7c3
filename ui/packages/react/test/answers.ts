// A customer in the middle of March, on Starter, most of whose tokens are used.
import { page } from "./service.js";

const march = { from: "2026-03-05T09:00:00Z", until: "2026-04-05T09:00:00Z" };

const line = {
  id: "ln_1",
  kind: "usage",
  charge: "calls",
  meter: "api_calls",
  description: "API calls",
  period: march,
  part: 0,
  quantity: "1500",
  share: "1",
  credits: null,
  taken_off: null,
  amount: 500,
  currency: "usd",
};
const details = [{ kind: "usage", tier: 1, quantity: "500", unit_amount: "0.01", flat_amount: "0", amount: "5" }];

export const invoice = {
  id: "inv_1",
  number: "INV-000001",
  customer: "acc_1",
  subscription: "sub_1",
  status: "open",
  currency: "usd",
  subtotal: 2400,
  discount: 0,
  discounts: [],
  carried_in: 0,
  credits_applied: 0,
  carried_out: 0,
  total: 2400,
  amount_due: 2400,
  credit_notes: [],
  period: march,
  lines: [line],
  created_at: "2026-03-05T09:00:00Z",
  opened_at: "2026-03-05T09:00:00Z",
  due_at: "2026-03-19T09:00:00Z",
  closed_at: null,
};

export const payment = {
  id: "pay_1",
  invoice: "inv_1",
  status: "open",
  method: "hosted",
  amount: 2400,
  currency: "usd",
  url: "http://service.test/sandbox/pay",
  decline: { code: "insufficient_funds", message: "Your card has insufficient funds." },
  held: null,
  released_at: null,
  updated_at: "2026-03-06T09:00:00Z",
  client_secret: null,
};

export const subscription = {
  id: "sub_1",
  status: "active",
  plan: "starter",
  plan_name: "Starter",
  plan_version: 1,
  currency: "usd",
  interval: "month",
  current_period: march,
  started_at: "2026-03-05T09:00:00Z",
  ended_at: null,
  cancel_at_period_end: false,
  next_plan: null,
};

const plan = (key: string, name: string, amount: string, limit: string) => ({
  key,
  version: 1,
  name,
  intervals: ["month"],
  trial_days: 0,
  add_on: false,
  features: [],
  charges: [{ key: "base", kind: "recurring", name, prices: [{ currency: "usd", model: "flat", amount, interval: "month" }] }],
  quotas: [{ meter: "tokens", limit, policy: "hard", reset: "period" }],
});

const agreement = {
  id: "sub_1",
  customer: "acc_1",
  status: "active",
  terms: { plan: "pro", version: 1, currency: "usd", interval: "month", seats: 1, add_ons: [], overrides: [] },
  next_terms: null,
  cancel_at_period_end: false,
  period: march,
  full_period: march,
  zone: "UTC",
  anchoring: "anniversary",
  anchor: march.from,
  started_at: march.from,
  trial_end: null,
  paused_at: null,
  ended_at: null,
};

export const preview = {
  id: "prv_1",
  act: "change",
  effective_at: "2026-03-18T12:00:00Z",
  expires_at: "2026-03-18T12:30:00Z",
  amount_due: 4567,
  currency: "usd",
  subscription: agreement,
  invoice: { ...invoice, total: 4567 },
};

const days = Array.from({ length: 31 }, (_, place) => ({ date: new Date(Date.UTC(2026, 2, 5 + place)).toISOString().slice(0, 10), quantity: String(place * 100) }));

export const standing = {
  meter: "tokens",
  limit: "100000",
  used: "93000",
  reserved: "0",
  remaining: "7000",
  resets_at: march.until,
  policy: "hard",
  reset: "period",
  source: "plan",
};

export const customer = {
  "GET /api/billing/subscription": subscription,
  "GET /api/billing/plans": { data: [plan("starter", "Starter", "19", "100000"), plan("pro", "Pro", "99", "1000000")] },
  "GET /api/billing/entitlements": { customer: "acc_1", features: ["sso"], quotas: [standing] },
  "GET /api/billing/usage": { period: march, data: [{ meter: "tokens", unit: "token", quantity: "93000", events: 12 }] },
  "GET /api/billing/usage/days": { meter: "tokens", unit: "token", period: march, data: days, before: days },
  "GET /api/billing/upcoming": { data: [{ invoice: { ...invoice, id: "inv_2", number: null, status: "draft" }, lines: [{ ...line, price: {}, exact: "5", details }] }] },
  "GET /api/billing/invoices": page([invoice]),
  "GET /api/billing/invoices/inv_1": { invoice, payment, lines: [{ ...line, price: {}, exact: "5", details, events: [] }] },
  "GET /api/billing/invoices/inv_1/dunning": {
    invoice: "inv_1",
    code: "insufficient_funds",
    state: "retrying",
    next_at: "2026-03-13T09:00:00Z",
    attempts: [
      { cause: "first", due_at: "2026-03-05T09:00:00Z", begun_at: "2026-03-05T09:00:00Z", failed_at: "2026-03-05T09:00:01Z", code: "generic_decline", reason: null },
      { cause: "schedule", due_at: "2026-03-06T09:00:00Z", begun_at: "2026-03-06T09:00:00Z", failed_at: "2026-03-06T09:00:01Z", code: "insufficient_funds", reason: null },
    ],
  },
  "GET /api/billing/limits": { cap: null, thresholds: [{ meter: "tokens", thresholds: [80, 100] }] },
  "GET /api/billing/alerts": page([
    { id: "alr_1", kind: "quota.threshold", customer: "acc_1", subject: "tokens", period_start: march.from, threshold: 80, at: "2026-03-17T08:00:00Z", facts: {} },
  ]),
  "GET /api/billing/credits": { data: [] },
  "POST /api/billing/subscription/preview": preview,
  "POST /api/billing/subscription/previews/prv_1/accept": { subscription: agreement, invoice },
};

const month = { currency: "usd", expansion: 0, contraction: 0, reactivation: 0, customers_new: 0, customers_lost: 0, customers_back: 0 };

/** How the business does: two months, of which the second lost one of three customers. */
export const figures = {
  "GET /v1/reports/mrr": {
    mrr: [{ amount: 19800, currency: "usd" }],
    data: [
      { ...month, month: "2026-02-01", opening: 0, new: 29700, churn: 0, mrr: 29700, customers_before: 0, customers_new: 3, customers_after: 3, customer_churn: null, revenue_churn: null },
      { ...month, month: "2026-03-01", opening: 29700, new: 0, churn: -9900, mrr: 19800, customers_before: 3, customers_lost: 1, customers_after: 2, customer_churn: "0.3333", revenue_churn: "0.3333" },
    ],
  },
  "GET /v1/reports/payments": {
    data: [
      { month: "2026-02-01", tried: 0, failed: 0, recovered: 0, failure_rate: null, reasons: [] },
      { month: "2026-03-01", tried: 8, failed: 2, recovered: 1, failure_rate: "0.25", reasons: [{ code: "insufficient_funds", count: 2 }] },
    ],
  },
  "GET /v1/reports/top-customers": { data: [{ id: "ada", email: null, name: "Ada", revenue: { amount: 123456, currency: "usd" } }] },
};
