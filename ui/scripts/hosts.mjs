// Packs the library as npm would publish it, puts it into the example host beside each React that it promises, and checks the
// types of that host and builds it. They lie in build/hosts/react-…, where tests/browser looks at them.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const EXAMPLE = at("../examples/react_host");
const HOSTS = at("../build/hosts");
// Which React is found from there: that of the pages, and that which hosts/react-18 pins.
const REACTS = { "react-18": at("hosts/react-18"), "react-19": at("apps/dashboard") };
const OF_REACT = ["react", "react-dom", "@types/react", "@types/react-dom"];
const TOOLS = ["typescript", "vite", "@vitejs/plugin-react"];

const told = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const node = (folder, script, ...given) => execFileSync(process.execPath, [at(`node_modules/${script}`), ...given], { cwd: folder, stdio: "inherit" });

/** The folder of a package as Node finds it from `from`. */
function found(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const here = join(folder, "node_modules", name);
    if (existsSync(here)) return here;
    if (folder === dirname(folder)) throw new Error(`${name}: is not installed for ${from}`);
  }
}

/** Copies a package and all that it needs: to the top, or, where another version of it is there, into the one that needs it. */
function put(name, from, modules, into = modules) {
  const source = found(name, from);
  const top = join(modules, name);
  if (existsSync(top) && told(top).version === told(source).version) return;
  const to = existsSync(top) ? join(into, "node_modules", name) : top;
  cpSync(source, to, { recursive: true, dereference: true, filter: (path) => path === source || !path.endsWith("/node_modules") });
  const { dependencies = {}, peerDependencies = {} } = told(source);
  for (const needed of Object.keys(dependencies)) put(needed, source, modules, to);
  // Of what is a peer there is one, such as React, and it is there already.
  for (const needed of Object.keys(peerDependencies)) if (!existsSync(join(modules, needed))) put(needed, source, modules);
}

function pack() {
  const said = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", HOSTS], { cwd: at("packages/react"), encoding: "utf8" });
  return join(HOSTS, JSON.parse(said)[0].filename);
}

function build(host, packed, reactFrom) {
  const folder = join(HOSTS, host);
  const modules = join(folder, "node_modules");
  const library = join(modules, "@tallystick/react");
  for (const name of ["src", "index.html", "package.json", "tsconfig.json", "vite.config.ts"]) {
    cpSync(join(EXAMPLE, name), join(folder, name), { recursive: true });
  }
  mkdirSync(library, { recursive: true });
  execFileSync("tar", ["--extract", "--gzip", "--file", packed, "--directory", library, "--strip-components", "1"]);
  for (const name of OF_REACT) put(name, reactFrom, modules);
  for (const name of Object.keys(told(library).dependencies)) put(name, at("packages/react"), modules);
  mkdirSync(join(modules, "@vitejs"), { recursive: true });
  for (const name of TOOLS) symlinkSync(found(name, at("")), join(modules, name), "dir");
  execFileSync("npm", ["ls", "--all", "--omit=dev", "--loglevel=error"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  node(folder, "typescript/bin/tsc");
  node(folder, "vite/bin/vite.js", "build", "--logLevel", "warn");
  console.log(`The example host stands on React ${told(join(modules, "react")).version}.`);
}

rmSync(HOSTS, { recursive: true, force: true });
mkdirSync(HOSTS, { recursive: true });
const packed = pack();
for (const [host, reactFrom] of Object.entries(REACTS)) build(host, packed, reactFrom);
