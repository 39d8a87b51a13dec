/** Studio's part in documents: what leaves, in which order with the log, and for whom a ticket is. */
import { beforeEach, describe, expect, it } from "vitest";
import { studioHeaders } from "../../../core/rpc/studio.ts";
import { runDocumentUpkeep } from "../../../workers/studio/documents/upkeep.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";
import { id } from "./walk-kit.ts";

let studio: Harness;
beforeEach(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const contentOf = (org: Org, token = org.owner.token) =>
  studio.send("GET", `/api/v1/orgs/${org.slug}/documents/${id("document")}/content`, { token });
const accesses = (requestId: string) =>
  studio.audit.of(requestId).flatMap(({ event, log }) => (event.type === "data_access" ? [[event.action, log]] : []));
const ticketOf = async (org: Org, token = org.owner.token) => {
  const made = await studio.send("POST", `/api/v1/orgs/${org.slug}/documents/${id("document")}/tickets`, {
    token,
    body: {},
  });
  expect(made.status).toBe(201);
  return made.body as { ticket: string; action: string };
};
const show = (action: string, ticket: string, more: object = {}) =>
  studio.send("POST", action, {
    rawBody: new URLSearchParams({ ticket }).toString(),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    ...more,
  });

describe("a document's content", () => {
  it("leaves as an attachment, once its reading is on record", async () => {
    const org = await studio.newOrg();
    const read = await contentOf(org);
    expect([read.status, read.text]).toEqual([200, "abc"]);
    expect(read.headers.get("Content-Disposition")).toBe(`attachment; filename="a.txt"; filename*=UTF-8''a.txt`);
    expect(read.headers.get("Accept-Ranges")).toBe("bytes");
    expect(accesses(read.requestId)).toEqual([["read", org.id]]);
  });

  it("does not leave when that can't be put on record", async () => {
    const org = await studio.newOrg();
    studio.audit.down.append = true;
    const read = await contentOf(org);
    expect([read.status, read.body.code]).toEqual([503, "audit_unavailable"]);
    expect(read.text).not.toContain("abc");
  });
});

it("gives no bytes to a session's cookie: neither a document's nor an export's, and nothing is on record as read", async () => {
  const org = await studio.newOrg();
  const paths = [`documents/${id("document")}/content`, `exports/${id("export")}/download`];
  for (const path of paths) {
    const by = { token: org.owner.token, headers: { [studioHeaders.credential]: "cookie" } };
    const answer = await studio.send("GET", `/api/v1/orgs/${org.slug}/${path}`, by);
    expect([answer.status, answer.body.code, accesses(answer.requestId)]).toEqual([403, "forbidden", []]);
  }
  expect(studio.standIns.calls.filter(({ method }) => method === "openContent")).toEqual([]);
});

describe("a ticket", () => {
  it("is good for one download, by whoever shows it first, and that is its holder's reading", async () => {
    const org = await studio.newOrg();
    const { ticket, action } = await ticketOf(org);
    const [one, two] = await Promise.all([show(action, ticket), show(action, ticket)]);
    expect([one.status, two.status].toSorted()).toEqual([200, 404]);
    const saved = one.status === 200 ? one : two;
    expect(saved.text).toBe("abc");
    expect(accesses(saved.requestId)).toEqual([["read", org.id]]);
    expect(studio.standIns.calls.filter(({ method }) => method === "openContent").map(({ by }) => by)).toEqual([
      "owner",
    ]);
  });

  it("is over after a minute", async () => {
    const org = await studio.newOrg();
    const { ticket, action } = await ticketOf(org);
    studio.clock.nowMs += 60_001;
    expect((await show(action, ticket)).status).toBe(404);
  });

  it("is worth nothing once its holder has signed out, or was removed, or at another organisation's address", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    const out = await ticketOf(org);
    await studio.send("POST", "/api/v1/auth/logout", { token: org.owner.token });
    expect((await show(out.action, out.ticket)).status).toBe(404);

    const again = { ...org, owner: await studio.signIn(org.owner.email) };
    const member = await studio.newMember(again, "viewer");
    const theirs = await ticketOf(again, member.token);
    const elsewhere = await ticketOf(again);
    const gone = await studio.send("DELETE", `/api/v1/orgs/${org.slug}/members/${member.id}`, {
      token: again.owner.token,
    });
    expect(gone.status).toBe(204);
    expect((await show(theirs.action, theirs.ticket)).status).toBe(404);
    expect((await show(`/content/${other.id}`, elsewhere.ticket)).status).toBe(404);
  });

  it("is not redeemed when the reading can't be put on record", async () => {
    const org = await studio.newOrg();
    const { ticket, action } = await ticketOf(org);
    studio.audit.down.append = true;
    const answer = await show(action, ticket);
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain("abc");
  });

  it("that comes twice in one form, or with anything else, is none", async () => {
    const org = await studio.newOrg();
    const { ticket, action } = await ticketOf(org);
    for (const rawBody of [`ticket=${ticket}&ticket=${ticket}`, `ticket=${ticket}&x=1`, "", "ticket="]) {
      const answer = await show(action, ticket, { rawBody });
      expect([rawBody === "" ? "" : rawBody.length, answer.status]).toEqual([
        rawBody === "" ? "" : rawBody.length,
        422,
      ]);
    }
    expect((await show(action, ticket)).status).toBe(200);
  });
});

describe("sharing", () => {
  it("with somebody who is no member is refused before anything is asked of the capability", async () => {
    const org = await studio.newOrg();
    const stranger = await studio.newAccount();
    const path = `/api/v1/orgs/${org.slug}/documents/${id("document")}/shares`;
    const body = { kind: "user", grantee: stranger.id };
    expect((await studio.send("POST", path, { token: org.owner.token, body })).status).toBe(404);
    for (const wrong of [
      { kind: "role", grantee: "owner" },
      { kind: "role", grantee: "viewer", until: new Date(studio.clock.nowMs - 1).toISOString() },
      { kind: "everybody", grantee: "x" },
      { kind: "group", grantee: stranger.id },
    ])
      expect((await studio.send("POST", path, { token: org.owner.token, body: wrong })).status).toBe(422);
    expect(studio.standIns.calls.filter(({ method }) => method === "addShare")).toEqual([]);
  });
});

describe("the clock", () => {
  /** At the organisation's own minute of the day. */
  async function atItsMinute(org: Org): Promise<void> {
    const [row] = await asSuperuser("SELECT ('x' || substr(md5($1), 1, 7))::bit(28)::integer % 1440 AS minute", [
      org.id,
    ]);
    const dayMs = 86_400_000;
    studio.clock.nowMs = Math.floor(studio.clock.nowMs / dayMs) * dayMs + Number(row?.["minute"]) * 60_000;
  }
  const tended = () => studio.standIns.calls.filter(({ method }) => method === "tend").length;

  it("puts a document's end on record, by whose word it goes, before it goes", async () => {
    const org = await studio.newOrg();
    const [document, deletedBy] = [id("document"), org.owner.id];
    const order: string[] = [];
    const { documents } = studio.studio.services;
    Object.assign(documents, {
      tend: async () => [{ document, deletedBy }],
      expunge: async (_call: unknown, which: string) => {
        const written = studio.audit.events.filter(({ event }) => event.type === "data_access");
        order.push(`${which} ${written.map(({ event }) => ("document_id" in event ? event.document_id : "")).join()}`);
      },
    });
    await atItsMinute(org);
    await runDocumentUpkeep(studio.studio.services);
    expect(order).toContain(`${document} ${document}`);
  });

  it("ends nothing that can't be put on record", async () => {
    const org = await studio.newOrg();
    const expunged: string[] = [];
    Object.assign(studio.studio.services.documents, {
      tend: async () => [{ document: id("document"), deletedBy: org.owner.id }],
      expunge: async (_call: unknown, which: string) => void expunged.push(which),
    });
    studio.audit.down.append = true;
    await atItsMinute(org);
    await runDocumentUpkeep(studio.studio.services);
    expect(expunged).toEqual([]);
  });

  it("comes to each organisation at its own minute of the day, and not to one that is shut", async () => {
    const org = await studio.newOrg();
    await atItsMinute(org);
    await runDocumentUpkeep(studio.studio.services);
    const atMinute = tended();
    expect(atMinute).toBeGreaterThanOrEqual(1);
    await asSuperuser("UPDATE control.organisations SET status = 'suspended', suspended_at = now() WHERE id = $1", [
      org.id,
    ]);
    await runDocumentUpkeep(studio.studio.services);
    expect(tended()).toBe(2 * atMinute - 1);
  });
});
