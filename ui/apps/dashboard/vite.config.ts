import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { alias } from "../../sources.js";
import { sizeLimit } from "../../scripts/size.js";

const SHELL_KIB_MAX = 120;

// `base` is relative: the pages work under whatever prefix a host mounts the service at.
export default defineConfig({
  base: "./",
  plugins: [react(), sizeLimit(SHELL_KIB_MAX)],
  resolve: { alias },
  build: {
    outDir: fileURLToPath(new URL("../../../src/tallystick/web/_ui", import.meta.url)),
    emptyOutDir: true,
    assetsDir: "ui",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": "http://localhost:8000", "/v1": "http://localhost:8000", "/readyz": "http://localhost:8000" } },
});
