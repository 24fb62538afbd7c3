// Fails the build when what a page loads first is more than so many KiB, gzipped.
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const KIB = 1024;

export function sizeLimit(kibMax: number): Plugin {
  return {
    name: "size-limit",
    apply: "build",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((each) => each.type === "chunk");
      const first = new Set<string>();
      const take = (name: string): void => {
        const chunk = chunks.find((each) => each.fileName === name);
        if (!chunk || first.has(name)) return;
        first.add(name);
        chunk.imports.forEach(take);
      };
      for (const chunk of chunks) if (chunk.isEntry) take(chunk.fileName);
      const scripts = chunks.filter((each) => first.has(each.fileName)).map((each) => each.code);
      const styles = Object.values(bundle).flatMap((each) =>
        each.type === "asset" && each.fileName.endsWith(".css") ? [each.source] : [],
      );
      const bytes = [...scripts, ...styles].reduce((sum, each) => sum + gzipSync(each).length, 0);
      const said = `the pages load ${(bytes / KIB).toFixed(1)} KiB first, gzipped (at most ${kibMax})`;
      if (bytes > kibMax * KIB) this.error(`${said}: load what is not needed at once later, with lazy()`);
      else this.info(said);
    },
  };
}
