import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { cosign, originOf } from "../../../core/audit/checkpoint.ts";
import { formatVerifier, signatureTypes, type Verifier } from "../../../core/audit/signed-note.ts";
import { makeId } from "../../../core/ids.ts";
import { buildAuditVerify } from "../../../scripts/audit-verify/build.ts";
import { linesOfLog } from "../../../scripts/cli/audit/log-file.ts";
import { type LogSigningKey, newLogKey, SignedLog, sha256 } from "../../support/signed-log.ts";
import { runProgram } from "../../support/witness-server.ts";

// Each test starts the program.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let script: string;
let logKey: LogSigningKey;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-verify-"));
  script = await buildAuditVerify(join(folder, "sentinel-audit-verify.mjs"));
  const org = makeId("org", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  logKey = await newLogKey(originOf("https://sentinel.test", org));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signedMs = Date.parse("2026-01-02T03:04:05Z");
async function newWitness(name = "school.test/w1") {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const verifier: Verifier = { name, type: signatureTypes.cosignature, publicKey };
  const line = (text: string) => cosign(text, verifier, pair.privateKey, signedMs, sha256);
  return { key: formatVerifier(verifier, sha256), line };
}
type Witness = Awaited<ReturnType<typeof newWitness>>;

/** The checkpoint of the first `size` entries as the log keeps it with a witness's line. */
const cosigned = async (log: SignedLog, by: Witness, size: number, signer = logKey) =>
  await log.checkpoint(size, signer, await by.line(log.headText(size)));

async function exported(log: SignedLog, notes: readonly string[], newest?: string): Promise<string> {
  const leaves = (async function* () {
    for (const [index, leafJson] of log.leaves.entries()) yield { seq: index + 1, leafJson };
  })();
  const checkpoint = newest ?? (await log.checkpoint());
  const shown = {
    keys: [logKey.text],
    checkpoint,
    cosigned: notes,
    hashes: new Uint8Array(Buffer.concat(log.hashes)),
    leaves,
  };
  const lines: string[] = [];
  for await (const line of linesOfLog(shown)) lines.push(line);
  const path = join(folder, `${crypto.randomUUID()}.log`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}
const verify = (path: string, ...args: string[]) => runProgram(script, [path, ...args]);

describe("a verifier that is given a witness's key", () => {
  it("says up to where the witness cosigned, under the newest checkpoint or an earlier one", async () => {
    const log = new SignedLog(logKey, 9);
    const witness = await newWitness();
    const earlier = await exported(log, [await cosigned(log, witness, 3), await cosigned(log, witness, 7)]);
    expect(await verify(earlier, "--witness", witness.key)).toMatchObject({
      status: 0,
      output: expect.stringContaining("Cosigned by the witness up to entry 7, 2026-01-02T03:04:05.000Z"),
    });
    const newest = await exported(log, [], await cosigned(log, witness, 9));
    expect((await verify(newest, "--witness", witness.key)).output).toContain("up to entry 9");
    // Nobody asked: nothing is said of it.
    expect((await verify(newest)).output).not.toContain("Cosigned");
  });

  it("does not believe a log that the witness did not cosign", async () => {
    const log = new SignedLog(logKey, 9);
    const [witness, other, strangers] = [
      await newWitness(),
      await newWitness("school.test/w2"),
      await newLogKey(logKey.verifier.name),
    ];
    const notes = [
      await cosigned(log, other, 9),
      // Cosigned, and signed by somebody who is not the log.
      await cosigned(log, witness, 5, strangers),
      "",
      "x\n\n",
    ];
    for (const path of [await exported(log, notes), await exported(log, [])]) {
      const { status, output } = await verify(path, "--witness", witness.key);
      expect([status, output]).toEqual([1, expect.stringContaining("✗ not_cosigned: school.test/w1")]);
      expect((await verify(path)).status).toBe(0);
    }
  });

  it("does not believe a cosignature that was altered or moved to another checkpoint", async () => {
    const log = new SignedLog(logKey, 9);
    const witness = await newWitness();
    const line = await witness.line(log.headText(4));
    const moved = await log.checkpoint(9, logKey, line);
    const altered = (await cosigned(log, witness, 9)).replace(
      /(.)(.{6}\n)$/,
      (_, one: string, rest: string) => `${one === "A" ? "B" : "A"}${rest}`,
    );
    for (const note of [moved, altered])
      expect(await verify(await exported(log, [note]), "--witness", witness.key)).toMatchObject({
        status: 1,
        output: expect.stringContaining("not_cosigned"),
      });
  });

  it("names a fork and a rollback that only the witness's checkpoint shows", async () => {
    const witness = await newWitness();
    const real = new SignedLog(logKey, 6);
    const seen = await cosigned(real, witness, 6);
    const forked = new SignedLog(logKey, 4).add(9, ',"other":1');
    const rolled = new SignedLog(logKey, 5);
    for (const [log, why] of [
      [forked, "✗ forked: the first 6 entries are not those that the witness cosigned"],
      [rolled, "✗ rolled_back: the log had 6 entries"],
    ] as const) {
      const path = await exported(log, [seen]);
      expect((await verify(path)).status).toBe(0);
      expect(await verify(path, "--witness", witness.key)).toMatchObject({
        status: 1,
        output: expect.stringContaining(why),
      });
    }
  });

  it("reads a file from before there were witnesses, and takes nothing but a witness's key", async () => {
    const log = new SignedLog(logKey, 3);
    const path = await exported(log, []);
    writeFileSync(path, readFileSync(path, "utf8").replace(',"cosigned":[]', ""));
    expect((await verify(path)).status).toBe(0);
    const witness = await newWitness();
    expect((await verify(path, "--witness", witness.key)).output).toContain("not_cosigned");
    for (const bad of [logKey.text, "x", `${witness.key}x`])
      expect(await verify(path, "--witness", bad)).toMatchObject({
        status: 2,
        output: expect.stringContaining("invalid_value"),
      });
  });
});
