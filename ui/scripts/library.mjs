// The last of the library's build: its styles beside it, of its types those that a host comes to, and a look that what it
// exports is there.
import { access, copyFile, readFile, rm, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../packages/react/${path}`, import.meta.url));
const reached = new Set();

/** The rest is of modules that are bundled, or not in the package at all. */
async function reach(file) {
  if (reached.has(file)) return;
  reached.add(file);
  const text = await readFile(file, "utf8");
  for (const [, path] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.js"/g)) await reach(join(dirname(file), `${path}.d.ts`));
}

await copyFile(at("src/styles.css"), at("dist/styles.css"));
const { exports } = JSON.parse(await readFile(at("package.json"), "utf8"));
for (const target of Object.values(exports).flatMap((each) => (typeof each === "string" ? [each] : Object.values(each)))) await access(at(target));
await reach(at(exports["."].types));
for (const name of await readdir(at("dist"), { recursive: true })) {
  if (name.endsWith(".d.ts") && !reached.has(at(`dist/${name}`))) await rm(at(`dist/${name}`));
}
