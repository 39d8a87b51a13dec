import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { isCosigned, originOf } from "../../../core/audit/checkpoint.ts";
import { type NoteSignature, parseSignature, parseVerifier, type Verifier } from "../../../core/audit/signed-note.ts";
import { makeId } from "../../../core/ids.ts";
import { buildAuditWitness } from "../../../scripts/audit-witness/build.ts";
import { waitSeconds } from "../../../scripts/cli/audit/witness/run-witness.ts";
import { type LogSigningKey, newLogKey, SignedLog, sha256 } from "../../support/signed-log.ts";
import { runProgram, startWitnessServer, type WitnessServer } from "../../support/witness-server.ts";

const token = `swt_${"t".repeat(43)}`;
const org = () => makeId("org", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
// Each test starts the program several times.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let script: string;
let logKey: LogSigningKey;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-witness-"));
  script = await buildAuditWitness(join(folder, "sentinel-audit-witness.mjs"));
  logKey = await newLogKey(originOf("https://sentinel.test", org()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let server: WitnessServer;
let dir: string;
beforeEach(async () => {
  server = await startWitnessServer(new SignedLog(logKey, 5));
  dir = join(folder, crypto.randomUUID());
  onTestFinished(() => server.close());
});

const run = (...args: string[]) => runProgram(script, [server.address, "--dir", dir, ...args]);
const once = () => run("--once");
const file = (name: string): string => readFileSync(join(dir, name), "utf8");

/** A witness that is registered: its key, which it said itself. */
async function registered(): Promise<Verifier> {
  const first = await run("--name", "school.test/w1", "--once");
  expect(first.status).toBe(2);
  writeFileSync(join(dir, "token"), `${token}\n`, { mode: 0o600 });
  const key = /school\.test\/w1\+\S+/.exec(first.output)?.[0] ?? "";
  return parseVerifier(key, sha256) as Verifier;
}
/** … and has seen the log. */
async function settled(): Promise<Verifier> {
  const key = await registered();
  expect(await once()).toMatchObject({ status: 0 });
  return key;
}
const lineOf = (cosignature: string | undefined): NoteSignature => parseSignature(cosignature ?? "") as NoteSignature;

describe("a witness that runs for the first time", () => {
  it("makes a key that its owner alone can read, says what to register, and asks for the token", async () => {
    const first = await run("--name", "school.test/w1", "--once");
    expect(first.output).toMatch(/made a key[\s\S]*no_token:[\s\S]*school\.test\/w1\+[0-9a-f]{8}\+/);
    expect(statSync(join(dir, "key")).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(first.output).not.toContain(file("key").split("+")[4]?.trim());
    // The key stays, and the name is no longer needed.
    const again = await once();
    expect(again.status).toBe(2);
    const said = (output: string) => /school\.test\/w1\+\S+/.exec(output)?.[0];
    expect(said(again.output)).toBe(said(first.output));
    expect(server.tokens.size).toBe(0);
  });

  it("says by which keys it believes the log, and keeps them", async () => {
    await registered();
    const { status, output } = await once();
    expect([status, output]).toEqual([0, expect.stringContaining(`first seen: ${logKey.verifier.name}`)]);
    expect(output).toContain(logKey.text);
    expect(JSON.parse(file("known"))).toMatchObject({ keys: [logKey.text] });
  });

  it.each([
    [["--once"], "no_name"],
    [["--name", "two words", "--once"], "invalid_value"],
    [["--name", "a+b", "--once"], "invalid_value"],
    [["--name", "sentinel/sentinel.test/org_01jd3x2k8hf9v8v3k4m5n6p7q8", "--once"], "invalid_value"],
    [["--name", "w", "--every", "1", "--once"], "invalid_value"],
    [["--nam", "w"], "unknown_flag"],
  ])("is not begun with %j", async (args, code) => {
    const { status, output } = await run(...args);
    expect([status, output]).toEqual([2, expect.stringContaining(code)]);
    expect(existsSync(join(dir, "key"))).toBe(false);
  });
});

describe("a witness", () => {
  it("cosigns exactly the checkpoint that it was shown, and again as the log grows", async () => {
    const key = await settled();
    server.log.add(300);
    expect(await once()).toMatchObject({ status: 0, output: expect.stringContaining("up to entry 305") });
    expect(server.looks).toEqual([0, 5]);
    expect(server.posted.map(({ size }) => size)).toEqual([5, 305]);
    for (const { size, cosignature } of server.posted) {
      const line = lineOf(cosignature);
      expect(await isCosigned({ text: server.log.headText(size), signatures: [line] }, key, sha256)).toBe(true);
      const other = { text: server.log.headText(size - 1), signatures: [line] };
      expect(await isCosigned(other, key, sha256)).toBe(false);
    }
    expect([...server.tokens]).toEqual([token]);
  });

  it("has written down what it saw before its signature leaves, so that a kill in between forgets nothing", async () => {
    await settled();
    server.log.add(7);
    let atPost = "";
    server.instead = (path, response) => {
      if (!path.endsWith("/cosignature")) return false;
      atPost = file("known");
      response.writeHead(503).end("{}");
      return true;
    };
    expect(await once()).toMatchObject({
      status: 3,
      output: expect.stringContaining("not cosigned: the log answered 503"),
    });
    expect(JSON.parse(atPost).checkpoint).toBe(await server.log.checkpoint());
    server.instead = null;
    expect(await once()).toMatchObject({ status: 0 });
    expect(server.posted.map(({ size }) => size)).toEqual([5, 12]);
  });

  it("signs a log at rest again, each time with the time it is", async () => {
    const key = await settled();
    expect(await once()).toMatchObject({ status: 0 });
    expect(server.posted.map(({ size }) => size)).toEqual([5, 5]);
    const note = { text: server.log.headText(), signatures: [lineOf(server.posted[1]?.cosignature)] };
    expect(await isCosigned(note, key, sha256)).toBe(true);
  });

  it("ends well when it is told to stop, and leaves the folder to the next", async () => {
    await registered();
    const ended = await runProgram(script, [server.address, "--dir", dir], /✓ cosigned/);
    expect(ended.status).toBe(0);
    expect(existsSync(join(dir, "lock"))).toBe(false);
  });

  it("waits for the log longer with each failure, and never for long", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((failures) => waitSeconds(60, failures, 0.5))).toEqual([
      60, 120, 240, 480, 900, 900, 900,
    ]);
    expect(waitSeconds(60, 0, 0)).toBe(54);
    expect(waitSeconds(60, 0, 0.999)).toBeLessThan(66);
    expect(waitSeconds(7200, 9, 0.5)).toBe(7200);
  });
});

describe("a witness signs nothing and forgets nothing", () => {
  const other = () => newLogKey(logKey.verifier.name);
  const forked = (entries: number) => new SignedLog(logKey, 3).add(entries - 3, ',"other":1');

  it.each<[string, string, () => Promise<Partial<Pick<WitnessServer, "log" | "signer">>>]>([
    ["rolled back", "rolled_back", async () => ({ log: new SignedLog(logKey, 4) })],
    ["forked at the same size", "forked", async () => ({ log: forked(5) })],
    ["forked and longer", "forked", async () => ({ log: forked(500) })],
    ["signed by a key that it does not know", "checkpoint_not_signed", async () => ({ signer: await other() })],
    [
      "another log",
      "checkpoint_not_signed",
      async () => {
        const key = await newLogKey(originOf("https://sentinel.test", org()));
        return { log: new SignedLog(key, 9), signer: key };
      },
    ],
    [
      "shown with a proof of another one",
      "forked",
      async () => {
        const real = server.log.add(4);
        const fake = forked(9);
        real.proof = (from, to) => fake.proof(from, to);
        return {};
      },
    ],
  ])("when the log is %s", async (_what, why, change) => {
    await settled();
    const known = file("known");
    const posted = server.posted.length;
    Object.assign(server, await change());
    const { status, output } = await once();
    expect([status, output]).toEqual([1, expect.stringContaining(`✗ ${why}: `)]);
    expect(output).toContain("Nothing was signed");
    expect([server.posted.length, file("known")]).toEqual([posted, known]);
    // Also when nobody looks: it ends by itself rather than going on.
    expect((await run()).status).toBe(1);
    expect(server.posted.length).toBe(posted);
  });

  it("when an earlier state is shown again after it has seen a later one", async () => {
    await settled();
    const [early, late] = [new SignedLog(logKey, 5), new SignedLog(logKey, 9)];
    server.log = late;
    expect(await once()).toMatchObject({ status: 0 });
    server.log = early;
    expect(await once()).toMatchObject({ status: 1, output: expect.stringContaining("rolled_back") });
    server.log = late;
    expect(await once()).toMatchObject({ status: 0 });
  });

  it("when what it knew can't be read: that is never taken for knowing nothing", async () => {
    await settled();
    const posted = server.posted.length;
    writeFileSync(join(dir, "known"), "{");
    expect(await once()).toMatchObject({ status: 1, output: expect.stringContaining("bad_known_file") });
    expect(server.posted.length).toBe(posted);
  });

  it.each<[string, (path: string, response: import("node:http").ServerResponse) => boolean]>([
    ["is no JSON", (_, response) => !!response.writeHead(200).end("<html>")],
    ["is of another form", (_, response) => !!response.writeHead(200).end('{"checkpoint":1}')],
    ["is endless", (_, response) => !!response.writeHead(200).end(Buffer.alloc(1024 * 1024, 32))],
    ["sends it elsewhere", (_, response) => !!response.writeHead(307, { Location: "http://127.0.0.1:1/" }).end()],
    ["breaks off", (_, response) => !!response.destroy()],
    ["refuses the token", (_, response) => !!response.writeHead(401).end('{"code":"invalid_token"}')],
  ])("when the answer %s, and tries again later", async (_what, instead) => {
    await settled();
    const known = file("known");
    server.instead = instead;
    const { status, output } = await once();
    expect([status, output]).toEqual([3, expect.stringContaining("not cosigned: ")]);
    expect(output).not.toContain(token);
    expect(file("known")).toBe(known);
    server.instead = null;
    expect(await once()).toMatchObject({ status: 0 });
  });

  it("when the log can't be reached", async () => {
    await settled();
    await server.close();
    expect(await once()).toMatchObject({ status: 3, output: expect.stringContaining("does not answer") });
  });
});

describe("a witness's folder", () => {
  it("is one witness's: a second one is refused, and what a killed one left is taken over", async () => {
    await settled();
    writeFileSync(join(dir, "lock"), `${process.pid}\n`);
    expect(await once()).toMatchObject({ status: 1, output: expect.stringContaining("already_running") });
    // No process has this number: Linux counts to 2^22.
    writeFileSync(join(dir, "lock"), "99999999\n");
    expect(await once()).toMatchObject({ status: 0 });
    writeFileSync(join(dir, "lock"), "");
    expect(await once()).toMatchObject({ status: 1, output: expect.stringContaining("already_running") });
  });

  it("is not used when others can read the key or the token, or when either is damaged", async () => {
    await settled();
    const posted = server.posted.length;
    for (const name of ["key", "token"]) {
      chmodSync(join(dir, name), 0o644);
      expect(await once()).toMatchObject({ status: 1, output: expect.stringContaining("can be read by others") });
      chmodSync(join(dir, name), 0o600);
    }
    const key = file("key");
    for (const damaged of [
      "",
      "x",
      key.replace(/\+[0-9a-f]{8}\+/, "+00000000+"),
      key.slice(0, -4),
      key.replace("school", "schoal"),
    ]) {
      writeFileSync(join(dir, "key"), damaged);
      const { status, output } = await once();
      expect([status, output]).toEqual([1, expect.stringContaining("bad_key_file")]);
    }
    writeFileSync(join(dir, "key"), key);
    writeFileSync(join(dir, "token"), "sak_something");
    expect(await once()).toMatchObject({ status: 2, output: expect.stringContaining("bad_token_file") });
    expect(server.posted.length).toBe(posted);
  });

  it("keeps the key that it has, whatever name is given later", async () => {
    await settled();
    const key = file("key");
    const { status, output } = await run("--name", "school.test/w2", "--once");
    expect([status, output, file("key")]).toEqual([2, expect.stringContaining("other_name"), key]);
  });
});
