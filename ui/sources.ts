// Where each workspace's source is: pages, library and tests are built from it, not from one another's builds.
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const alias = {
  "@tallystick/client": at("packages/client/src/index.ts"),
  "@tallystick/react/styles.css": at("packages/react/src/styles.css"),
  // The shell loads the page that is looked at, and not both.
  "@tallystick/react/admin": at("packages/react/src/admin/BillingAdmin.tsx"),
  "@tallystick/react/dashboard": at("packages/react/src/dashboard/BillingDashboard.tsx"),
  "@tallystick/react": at("packages/react/src/index.ts"),
};
