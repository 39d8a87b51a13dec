import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { copyWholeFolder, swapFolder } from "../../../scripts/stack/folder-swap.ts";

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "sentinel-swap-"));
  folders.push(made);
  return made;
}
function fill(path: string, text: string): string {
  mkdirSync(path);
  for (const name of ["a", "b"]) writeFileSync(join(path, name), text);
  return path;
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

describe("a built folder", () => {
  it("takes the place of the one before, of which nothing is left", () => {
    const home = folder();
    const target = join(home, "dist");
    swapFolder(fill(join(home, "one"), "1"), target);
    writeFileSync(join(target, "stale"), "");
    swapFolder(fill(join(home, "two"), "2"), target);
    expect(readdirSync(home)).toEqual(["dist"]);
    expect(readdirSync(target).sort()).toEqual(["a", "b"]);
  });

  it("is copied whole, however often others swap it meanwhile", async () => {
    const home = folder();
    const target = fill(join(home, "dist"), "0");
    const swapper = `
      import { mkdirSync, writeFileSync } from "node:fs";
      import { swapFolder } from ${JSON.stringify(new URL("../../../scripts/stack/folder-swap.ts", import.meta.url).href)};
      for (let round = 0; round < 400; round += 1) {
        const fresh = ${JSON.stringify(join(home, "fresh-"))} + process.pid + "-" + round;
        mkdirSync(fresh);
        for (const name of ["a", "b"]) writeFileSync(fresh + "/" + name, process.pid + " " + round);
        swapFolder(fresh, ${JSON.stringify(target)});
      }`;
    const ends = [1, 2].map(
      () =>
        new Promise<number | null>((resolve) =>
          spawn(process.execPath, ["--input-type=module", "-e", swapper], { stdio: "inherit" }).once("exit", resolve),
        ),
    );
    let running = true;
    const all = Promise.all(ends).finally(() => {
      running = false;
    });
    const copy = join(folder(), "copy");
    while (running) {
      await copyWholeFolder(target, copy);
      expect(readFileSync(join(copy, "a"), "utf8")).toBe(readFileSync(join(copy, "b"), "utf8"));
      // Lets the exits be heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await all).toEqual([0, 0]);
    expect(readdirSync(home)).toEqual(["dist"]);
  });
});
