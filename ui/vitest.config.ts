import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { alias } from "./sources.js";

export default defineConfig({
  plugins: [react()],
  resolve: { alias },
  test: {
    environment: "jsdom",
    include: ["packages/*/test/**/*.test.{ts,tsx}"],
    setupFiles: ["packages/react/test/setup.ts"],
    env: { TZ: "UTC" },
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
