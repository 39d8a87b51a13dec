import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withIntegrity } from "../../../workers/dashboard/integrity.ts";

const files: Record<string, string> = { "/assets/index-a.js": "run()", "/assets/index-b.css": "a{}" };
const read = (path: string): Uint8Array => new TextEncoder().encode(files[path]);
const hash = (path: string): string => `sha384-${createHash("sha384").update(read(path)).digest("base64")}`;

describe("the page", () => {
  it("names each script, style and module with the hash of its file", () => {
    const html = [
      '<script type="module" crossorigin src="/assets/index-a.js"></script>',
      '<link rel="modulepreload" crossorigin href="/assets/index-a.js">',
      '<link rel="stylesheet" crossorigin href="/assets/index-b.css">',
      '<link rel="icon" type="image/svg+xml" href="/favicon.svg" />',
    ].join("\n");
    const lines = withIntegrity(html, read).split("\n");
    expect(lines[0]).toBe(
      `<script type="module" crossorigin src="/assets/index-a.js" integrity="${hash("/assets/index-a.js")}"></script>`,
    );
    expect(lines[1]).toContain(`integrity="${hash("/assets/index-a.js")}"`);
    expect(lines[2]).toContain(`integrity="${hash("/assets/index-b.css")}"`);
    expect(lines[3]).not.toContain("integrity");
  });
});
