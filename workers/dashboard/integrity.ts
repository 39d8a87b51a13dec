import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Plugin } from "vite";

/**
 * Subresource integrity (SRI 1.0): each script and style that the page names carries the hash of the file that was
 * built beside it, so that a file that was changed where it is stored is not run.
 */
export function integrity(): Plugin {
  let folder = "";
  return {
    name: "integrity",
    apply: "build",
    configResolved({ root, build }) {
      folder = resolve(root, build.outDir);
    },
    closeBundle() {
      const page = join(folder, "index.html");
      writeFileSync(
        page,
        withIntegrity(readFileSync(page, "utf8"), (path) => readFileSync(join(folder, path))),
      );
    },
  };
}

/** @param read a file of the build by its absolute path on the site */
export function withIntegrity(html: string, read: (path: string) => Uint8Array): string {
  return html.replace(
    /<(script|link)\b([^>]*?)\s(src|href)="(\/assets\/[^"]+)"([^>]*)>/g,
    (_tag, name, before, attribute, path, after) => {
      const hash = createHash("sha384").update(read(path)).digest("base64");
      return `<${name}${before} ${attribute}="${path}" integrity="sha384-${hash}"${after}>`;
    },
  );
}
