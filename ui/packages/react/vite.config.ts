import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { alias } from "../../sources.js";

const OUTSIDE = /^(react|react-dom|react\/.*|react-dom\/.*|@tanstack\/react-query|use-intl|openapi-fetch)$/;

// The npm library: modules for a host's own bundler, with what they need left to it.
export default defineConfig({
  plugins: [react()],
  resolve: { alias },
  build: {
    outDir: fileURLToPath(new URL("dist", import.meta.url)),
    emptyOutDir: true,
    lib: { entry: fileURLToPath(new URL("src/index.ts", import.meta.url)), formats: ["es"], fileName: "index" },
    rolldownOptions: { external: OUTSIDE },
    minify: false,
    target: "es2022",
  },
});
