// schema.d.ts out of build/openapi.json, which scripts/openapi.py has exported from the app; without --write it is only compared.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../build/openapi.json", import.meta.url);
const kept = new URL("src/schema.d.ts", import.meta.url);
const said = "// Generated: `make client`.\n\n" + astToString(await openapiTS(source));

if (process.argv.includes("--write")) {
  await writeFile(kept, said);
} else if ((await readFile(kept, "utf8")) !== said) {
  console.error("ui: the API is another one than its pages know; run `make client`, and commit ui/packages/client/src/schema.d.ts");
  process.exit(1);
}
