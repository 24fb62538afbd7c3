import { createRoot } from "react-dom/client";
import "@tallystick/react/styles.css";
import "./shell.css";
import { Shell } from "./Shell.js";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has it");
const mode = root.dataset.mode;

createRoot(root).render(
  <Shell
    page={location.pathname.endsWith("/admin") ? "admin" : "billing"}
    mode={mode === "live" || mode === "test" ? mode : "sandbox"}
    language={document.documentElement.lang === "ja" ? "ja" : "en"}
  />,
);
