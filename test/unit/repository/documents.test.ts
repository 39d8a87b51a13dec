import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../../../", import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];
const prose = (page: string): string => read(page).replace(/^```.*?^```/gms, "");
/** GitHub's name of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

describe("the documentation", () => {
  it.each(pages)("%s links to nothing that is not there", (page) => {
    for (const [, target = ""] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", fragment] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      expect(existsSync(join(root, file)), `${page} → ${target}`).toBe(true);
      if (fragment === undefined) continue;
      const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchor(heading));
      expect(headings, `${page} → ${target}`).toContain(fragment);
    }
  });

  it.each(pages)("%s names no npm script, test project or test file that is not there", (page) => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const text = read(page);
    for (const [, name = ""] of text.matchAll(/npm run ([a-z][a-z:-]*)/g)) expect(scripts).toHaveProperty(name);
    for (const [, name = ""] of text.matchAll(/--project ([a-z][a-z0-9-]*)/g))
      expect(existsSync(join(root, "test/vitest", `${name}.ts`)), name).toBe(true);
    for (const [, file = ""] of text.matchAll(/\b((?:test|scripts)\/[\w./-]*\w)/g))
      expect(existsSync(join(root, file)), `${page} names ${file}`).toBe(true);
  });

  it.each(Object.entries((JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts))(
    "npm run %s starts a file that is there",
    (_name, command) => {
      for (const file of command.split(" ").filter((word) => /\.m?ts$|\.mjs$/.test(word)))
        expect(existsSync(join(root, file)), file).toBe(true);
    },
  );
});
