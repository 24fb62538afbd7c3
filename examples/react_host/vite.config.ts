import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` shows changes at once, with main.py running beside it.
const server = "http://localhost:8000";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/session": server, "/work": server, "/billing": server, "/sandbox": server } },
});
