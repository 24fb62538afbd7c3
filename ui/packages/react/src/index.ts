export { BillingAdmin, type BillingAdminProps } from "./admin/BillingAdmin.js";
export { BillingDashboard } from "./dashboard/BillingDashboard.js";
export type { Locale } from "./data/words.js";
export type { BillingProps, Theme, Tokens } from "./parts/Root.js";
