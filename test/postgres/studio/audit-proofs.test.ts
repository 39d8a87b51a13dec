import { beforeAll, describe, expect, it } from "vitest";
import { leafHash } from "../../../core/audit/leaf.ts";
import { fromBase64 } from "../../../core/audit/signed-note.ts";
import { isConsistent, rootOfInclusion } from "../../../core/audit/tree.ts";
import { fixedLeaves, sha256 } from "./fixed-proofs.ts";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
  org = await studio.newOrg();
});

const get = (path: string, token = org.owner.token) =>
  studio.send("GET", `/api/v1/orgs/${org.slug}/audit/${path}`, { token });
/** The answer as it travels: what is no JSON, the harness can't read. */
const raw = async (path: string) => {
  const answer = await get(path);
  return { status: answer.status, type: answer.headers.get("Content-Type"), text: answer.text };
};
const bytes = (texts: readonly string[]): Uint8Array[] => texts.map((text) => fromBase64(text) as Uint8Array);

describe("the audit log's proofs", () => {
  it("show a client, by itself, that an entry is in the log and that the log only grew", async () => {
    const { status, body } = await get("2/proof");
    expect([status, body.seq, body.size, body.leaf]).toEqual([200, 2, 3, fixedLeaves[1]]);
    const [root] = bytes([body.root]) as [Uint8Array];
    const leaf = Buffer.from(leafHash(body.leaf, sha256), "hex");
    expect(rootOfInclusion(leaf, 1, 3, bytes(body.hashes), sha256)).toEqual(root);
    const earlier = (await get("1/proof?size=1")).body;
    const grown = (await get("consistency?from=1&to=3")).body;
    const older = { size: 1, root: bytes([earlier.root])[0] as Uint8Array };
    expect(isConsistent(older, { size: 3, root }, bytes(grown.hashes), sha256)).toBe(true);
    expect((await get("consistency?from=2")).body).toMatchObject({ from: 2, to: 3 });
  });

  it("come as public tools read them: a note as text, tiles as bytes", async () => {
    expect(await raw("checkpoint")).toEqual({
      status: 200,
      type: "text/plain; charset=utf-8",
      text: `sentinel/sentinel.test/${org.id}\n3\n\n`,
    });
    const tile = await raw("tile/0/000.p/3");
    expect([tile.status, tile.type]).toEqual([200, "application/octet-stream"]);
    const bundle = await raw("tile/entries/000.p/2");
    expect([bundle.status, bundle.type, bundle.text]).toEqual([
      200,
      "application/octet-stream",
      fixedLeaves.slice(0, 2).join(""),
    ]);
  });

  it("say up to where the log is signed and what still waits", async () => {
    const { body } = await get("status");
    expect(body.checkpoint).toMatchObject({
      origin: `sentinel/sentinel.test/${org.id}`,
      size: 3,
      pending: 1,
      keys: [],
    });
  });

  it("are not there for what no checkpoint covers, and for names that are none", async () => {
    const absent = ["4/proof", "3/proof?size=2", "0/proof", "01/proof", "-1/proof", "9007199254740993/proof"];
    const tiles = ["tile/0/000.p/4", "tile/0/001.p/1", "tile/0/000.p/0", "tile/00/000.p/1", "tile/1/000", "tile/x/000"];
    const odd = ["tile/entries/0", "tile/entries/..%2f000", "tile/0", "consistency?from=2&to=4"];
    for (const path of [...absent, ...tiles, ...odd]) {
      const { status, body } = await get(path);
      expect([path, status, body.code]).toEqual([path, 404, "not_found"]);
    }
    for (const path of ["consistency?from=x", "consistency?to=1e3", "2/proof?size=0", "checkpoint?x=1"])
      expect((await get(path)).status, path).toBe(422);
  });

  it("leave an event when they tell what people did, and none when they are hashes", async () => {
    const left = async (path: string) => studio.audit.of((await get(path)).requestId).map(({ event }) => event.type);
    for (const path of ["1/proof", "tile/entries/000.p/1"]) expect(await left(path), path).toEqual(["api_call"]);
    for (const path of ["status", "checkpoint", "consistency", "tile/0/000.p/1"])
      expect(await left(path), path).toEqual([]);
    // A refusal is on record either way.
    const viewer = await studio.newMember(org, "viewer");
    for (const path of ["status", "checkpoint", "consistency", "1/proof", "tile/0/000.p/1", "tile/entries/000.p/1"]) {
      const answer = await get(path, viewer.token);
      expect([path, answer.status, studio.audit.of(answer.requestId).map(({ event }) => event.type)]).toEqual([
        path,
        403,
        ["api_call", "access_denied"],
      ]);
    }
  });
});
