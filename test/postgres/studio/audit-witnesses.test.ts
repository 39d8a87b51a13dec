import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64 } from "../../../core/audit/signed-note.ts";
import { witnessTokenPattern } from "../../../core/routes/audit.ts";
import type { CosignAnswer } from "../../../core/rpc/audit-proofs.ts";
import { witnessesMax } from "../../../store/control/audit-witnesses.ts";
import { witnessKeyNamed } from "../../support/route-inputs.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const at = (org: Org, path = "") => `/api/v1/orgs/${org.slug}/audit/${path}`;
const add = (org: Org, keyName: string, token = org.owner.token) =>
  studio.send("POST", at(org, "witnesses"), { token, body: { name: "The board", key: witnessKeyNamed(keyName) } });
const look = (org: Org, token: string, from = 0) =>
  studio.send("POST", at(org, "witness/checkpoint"), { body: { token, from } });
const post = (org: Org, token: string, size = 3) =>
  studio.send("POST", at(org, "witness/cosignature"), { body: { token, size, cosignature: "\u2014 a line" } });

async function witnessed(keyName = "board.test/w1") {
  const org = await studio.newOrg();
  const { status, body } = await add(org, keyName);
  expect(status).toBe(201);
  return { org, id: body.id as string, token: body.token as string, key: body.key as string };
}

describe("a witness of the audit log", () => {
  it("is registered by name and key, on record, and its token is shown once and kept as a hash", async () => {
    const org = await studio.newOrg();
    const added = await add(org, "board.test/w1");
    expect([added.status, added.body]).toMatchObject([
      201,
      { name: "The board", key: witnessKeyNamed("board.test/w1") },
    ]);
    expect(added.body.token).toMatch(witnessTokenPattern);
    expect(studio.audit.of(added.requestId).map(({ event }) => event)).toContainEqual({
      type: "key_change",
      user_id: org.owner.id,
      kind: "audit_witness",
      key_id: added.body.id,
      action: "created",
    });
    const listed = await studio.send("GET", at(org, "witnesses"), { token: org.owner.token });
    expect(listed.body.items).toMatchObject([{ id: added.body.id, created_by: org.owner.id, cosigned: null }]);
    expect(listed.text).not.toContain("token");
    const [row] = await asSuperuser("SELECT w::text AS row FROM control.audit_witnesses w WHERE id = $1", [
      added.body.id,
    ]);
    expect(String(row?.["row"])).not.toContain(added.body.token.slice(4));
    const receipts = "SELECT org_id FROM control.operation_receipts WHERE request_id = $1";
    expect(await asSuperuser(receipts, [added.requestId])).toEqual([{ org_id: org.id }]);
  });

  it("sees the checkpoint and that the log only grew, by its token and no session", async () => {
    const { org, token } = await witnessed();
    const { status, body } = await look(org, token, 2);
    expect([status, body.checkpoint, body.keys, body.from]).toEqual([
      200,
      `sentinel/sentinel.test/${org.id}\n3\n\n`,
      ["a key"],
      2,
    ]);
    expect(body.hashes.length).toBeGreaterThan(0);
    for (const hash of body.hashes) expect(fromBase64(hash)).toHaveLength(32);
    expect((await look(org, token, 9)).body.hashes).toEqual([]);
  });

  it("posts its cosignature under the key that was registered, whatever it says itself", async () => {
    const { org, token, key } = await witnessed();
    const before = studio.audit.proofs.posted.length;
    expect((await post(org, token)).status).toBe(204);
    expect(studio.audit.proofs.posted.slice(before)).toEqual([
      { org: org.id, verifier: key, size: 3, line: "\u2014 a line" },
    ]);
  });

  it.each<[CosignAnswer, number, string]>([
    ["not_a_cosignature", 422, "invalid_request"],
    ["clock_off", 422, "invalid_request"],
    ["unknown_checkpoint", 404, "not_found"],
    ["older", 409, "conflict"],
    ["no_room", 409, "conflict"],
  ])("is told when its cosignature was refused: %s", async (answer, status, code) => {
    const { org, token } = await witnessed();
    studio.audit.proofs.answer = answer;
    try {
      const sent = await post(org, token);
      expect([sent.status, sent.body.code]).toEqual([status, code]);
    } finally {
      studio.audit.proofs.answer = "kept";
    }
  });

  it("is shown with what it cosigned last, and so is the log's state", async () => {
    const { org, key } = await witnessed("board.test/shown");
    const cosignedMs = Date.parse("2026-01-02T03:04:05Z");
    studio.audit.proofs.cosigned.push({ verifier: key, size: 2, cosignedMs, note: "a note" });
    const listed = await studio.send("GET", at(org, "witnesses"), { token: org.owner.token });
    expect(listed.body.items[0].cosigned).toEqual({ size: 2, at: "2026-01-02T03:04:05.000Z" });
    const status = await studio.send("GET", at(org, "status"), { token: org.owner.token });
    expect(status.body.checkpoint.cosigned).toContainEqual({
      key,
      size: 2,
      at: "2026-01-02T03:04:05.000Z",
      checkpoint: "a note",
    });
  });
});

describe("a witness's token", () => {
  it("is worth nothing in another organisation, and nothing anywhere after the witness was removed", async () => {
    const { org, id, token } = await witnessed();
    const other = await witnessed();
    const refused = [401, "invalid_token"];
    for (const sent of [await look(other.org, token), await post(other.org, token)])
      expect([sent.status, sent.body.code]).toEqual(refused);
    const removed = await studio.send("DELETE", at(org, `witnesses/${id}`), { token: org.owner.token });
    expect(removed.status).toBe(204);
    expect(studio.audit.of(removed.requestId).map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: "key_change", kind: "audit_witness", key_id: id, action: "revoked" }),
    );
    for (const sent of [await look(org, token), await post(org, token)])
      expect([sent.status, sent.body.code]).toEqual(refused);
    // The other one's is what it was.
    expect((await look(other.org, other.token)).status).toBe(200);
  });

  it("is worth nothing while the organisation is shut", async () => {
    const { org, token } = await witnessed();
    const operator = (what: string) =>
      studio.send("POST", `/api/v1/operator/orgs/${org.slug}/${what}`, { token: operatorToken });
    expect((await operator("suspend")).status).toBe(200);
    for (const sent of [await look(org, token), await post(org, token)]) expect(sent.status).toBe(401);
    expect((await operator("resume")).status).toBe(200);
    expect((await look(org, token)).status).toBe(200);
  });

  it("opens no route of a member's", async () => {
    const { org, token } = await witnessed();
    for (const path of ["status", "checkpoint", "consistency", "witnesses", "1/proof", "tile/0/000.p/1", ""]) {
      const sent = await studio.send("GET", at(org, path).replace(/\/$/, ""), { token });
      expect([path, sent.status, sent.body.code]).toEqual([path, 401, "invalid_token"]);
    }
  });

  it("is a text of one form: anything else is refused unread, and a member's own token is none", async () => {
    const { org } = await witnessed();
    for (const token of ["", "x", `swt_${"x".repeat(42)}`, `sak_${"x".repeat(43)}`, org.owner.token])
      expect([token.slice(0, 8), (await look(org, token)).status]).toEqual([token.slice(0, 8), 422]);
    expect((await look(org, `swt_${"x".repeat(43)}`)).status).toBe(401);
    for (const from of [-1, 1.5, 2 ** 53, "1", null])
      expect((await look(org, `swt_${"x".repeat(43)}`, from as number)).status).toBe(422);
  });
});

describe("registering a witness", () => {
  it("is for owners and admins, and only with a proof of the person", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    expect((await add(org, "board.test/by-admin", admin.token)).status).toBe(201);
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const sent = await add(org, `board.test/${role}`, (await studio.newMember(org, role)).token);
      expect([role, sent.status, sent.body.code]).toEqual([role, 403, "forbidden"]);
    }
    const stranger = await studio.newAccount();
    expect((await add(org, "board.test/stranger", stranger.token)).status).toBe(404);
  });

  it("takes a witness's key and nothing that looks like one", async () => {
    const org = await studio.newOrg();
    const good = witnessKeyNamed("board.test/w");
    const [name = "", id = "", key = ""] = good.split("+");
    const plain = Buffer.from(key, "base64");
    plain[0] = 1;
    const keys = [
      "",
      "x",
      `${name}+${id}`,
      `${name}+00000000+${key}`,
      `${name} +${id}+${key}`,
      `${name}+${id}+${plain.toString("base64")}`,
      witnessKeyNamed(`sentinel/sentinel.test/${org.id}`),
      witnessKeyNamed("x".repeat(400)),
    ];
    for (const bad of keys) {
      const sent = await studio.send("POST", at(org, "witnesses"), {
        token: org.owner.token,
        body: { name: "w", key: bad },
      });
      expect([bad, sent.status]).toEqual([bad, 422]);
    }
  });

  it(`stops at ${witnessesMax}, and takes no second key of one name`, async () => {
    const org = await studio.newOrg();
    expect((await add(org, "board.test/0")).status).toBe(201);
    const again = await add(org, "board.test/0");
    expect([again.status, again.body.code]).toEqual([409, "conflict"]);
    // Another organisation's witness may be called the same.
    expect((await add(await studio.newOrg(), "board.test/0")).status).toBe(201);
    for (let count = 1; count < witnessesMax; count += 1)
      expect((await add(org, `board.test/${count}`)).status).toBe(201);
    const full = await add(org, "board.test/more");
    expect([full.status, full.body.code]).toEqual([409, "conflict"]);
  });

  it("finds no witness of another organisation to remove", async () => {
    const [{ id, org: theirs, token }, mine] = [await witnessed(), await studio.newOrg()];
    expect((await studio.send("DELETE", at(mine, `witnesses/${id}`), { token: mine.owner.token })).status).toBe(404);
    expect((await look(theirs, token)).status).toBe(200);
  });
});
