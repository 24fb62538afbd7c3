// The last of the library's build: its styles beside it, and a look that what it exports is there.
import { access, copyFile, readFile } from "node:fs/promises";

const at = (path) => new URL(`../packages/react/${path}`, import.meta.url);
await copyFile(at("src/styles.css"), at("dist/styles.css"));
const { exports } = JSON.parse(await readFile(at("package.json"), "utf8"));
for (const target of Object.values(exports).flatMap((each) => (typeof each === "string" ? [each] : Object.values(each)))) await access(at(target));
