// What the pages read, each under one key: two places that show the same ask once.
import type { Schemas } from "@tallystick/client";
import { useRead } from "./api.js";

export type Subscription = Schemas["SubscriptionShown"];
export type Plan = Schemas["PlanShown"];
export type Invoice = Schemas["InvoiceShown"];
export type Standing = Schemas["StandingShown"];
export type Payment = Schemas["PaymentShown"];
export type Explanation = Schemas["ExplanationShown"];
export type RatedLine = Schemas["LineRated"];
export type Days = Schemas["DaysShown"];
export type Dunning = Schemas["DunningShown"];

export const useSubscription = () => useRead(["subscription"], (api) => api.user.GET("/billing/subscription"), { live: true });

export const usePlans = () => useRead(["plans"], (api) => api.user.GET("/billing/plans"));

export const useEntitlements = () => useRead(["entitlements"], (api) => api.user.GET("/billing/entitlements"), { live: true });

export const useUsage = () => useRead(["usage"], (api) => api.user.GET("/billing/usage"), { live: true });

export const useUpcoming = () => useRead(["upcoming"], (api) => api.user.GET("/billing/upcoming"), { live: true });

export const useOwnInvoices = (cursor?: string) =>
  useRead(["invoices", cursor], (api) => api.user.GET("/billing/invoices", { params: { query: { limit: 10, cursor } } }), { live: true });

export const useOwnInvoice = (id: string) =>
  useRead(["invoice", id], (api) => api.user.GET("/billing/invoices/{invoice_id}", { params: { path: { invoice_id: id } } }), { live: true });

/** What happens about a payment that failed; asked only where one has. */
export const useOwnDunning = (id: string, enabled: boolean) =>
  useRead(["dunning", id], (api) => api.user.GET("/billing/invoices/{invoice_id}/dunning", { params: { path: { invoice_id: id } } }), { enabled });

export const useLimits = () => useRead(["limits"], (api) => api.user.GET("/billing/limits"));

export const useOwnAlerts = () => useRead(["alerts"], (api) => api.user.GET("/billing/alerts", { params: { query: { limit: 5 } } }));

export const useCredits = () => useRead(["credits"], (api) => api.user.GET("/billing/credits"));

/** An invoice as the admin sees it, down to its events. */
export const useExplanation = (id: string) =>
  useRead(
    ["explanation", id],
    (api) => api.engine.GET("/v1/invoices/{invoice_id}/explanation", { params: { path: { invoice_id: id }, query: { events: 10 } } }),
    { live: true },
  );
