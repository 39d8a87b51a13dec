/** A test message to a SIEM over real TLS: what arrives, what is answered, and what it can't be used for. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testPauseMs } from "../../../store/control/audit-stream-tests.ts";
import { createPostMessage } from "../../../workers/studio/audit/stream/post.ts";
import { isSignedBy, type Siem, startSiem } from "../../support/siem.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

let siem: Siem;
let studio: Harness;
beforeAll(async () => {
  siem = await startSiem();
  studio = await createHarness((whole) => {
    const post = createPostMessage(siem.fetch, new Set(), { postMsMax: 1500 });
    return { ...whole, streams: { loopback: new Set<string>(), post } };
  });
});
afterAll(() => siem.stop());
beforeEach(() => {
  siem.answers = [{ status: 204 }];
  siem.arrived.length = 0;
  studio.clock.nowMs += testPauseMs;
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const at = (org: Org, path = "") => `/api/v1/orgs/${org.slug}/audit/stream${path}`;
const ask = (org: Org, token = org.owner.token) => studio.send("POST", at(org, "/test"), { token });
async function streamed() {
  const org = await studio.newOrg();
  const body = { url: siem.url, format: "json" };
  const made = await studio.send("PUT", at(org), { token: org.owner.token, body });
  return { ...org, secret: made.body.secret as string, stream: made.body.id as string };
}
const rowOf = async (stream: string) =>
  (
    await asSuperuser("SELECT to_jsonb(s) - 'tested_at' AS row FROM control.audit_streams s WHERE id = $1", [stream])
  )[0]?.["row"];

describe("a test message", () => {
  it("arrives at once, signed as every other, with nothing of the log in it", async () => {
    const org = await streamed();
    const before = await rowOf(org.stream);
    const answer = await ask(org);
    expect([answer.status, answer.body]).toEqual([
      200,
      { taken: true, failure: null, status: 204, took_ms: expect.any(Number) },
    ]);
    const [arrived, ...more] = siem.arrived;
    expect(more).toEqual([]);
    if (arrived === undefined) throw new Error("nothing arrived");
    expect(isSignedBy(arrived, org.secret)).toBe(true);
    expect(arrived.id).toBe(`${org.stream}.test-${answer.requestId}`);
    expect(arrived.message).toEqual({
      type: "audit.test",
      timestamp: expect.any(String),
      data: { log: org.id, text: expect.any(String) },
    });
    // The stream goes on as if nothing was: no cursor, no failure, no wait.
    expect(await rowOf(org.stream)).toEqual(before);
  });

  it("is signed under both secrets while one replaces the other", async () => {
    const org = await streamed();
    const rotated = await studio.send("POST", at(org, "/secret"), { token: org.owner.token });
    await ask(org);
    for (const secret of [org.secret, rotated.body.secret]) expect(isSignedBy(siem.arrived[0]!, secret)).toBe(true);
  });

  it.each([
    [{ status: 401 }, { failure: "refused", status: 401 }],
    [{ status: 500 }, { failure: "failing", status: 500 }],
    [{ status: 410 }, { failure: "gone", status: 410 }],
    [{ status: 302 }, { failure: "redirected", status: 302 }],
    ["hang up", { failure: "unreachable", status: null }],
  ] as const)("says what came of it, and fails nothing: %j", async (answered, expected) => {
    const org = await streamed();
    const before = await rowOf(org.stream);
    siem.answers = [answered as Siem["answers"][number]];
    const answer = await ask(org);
    expect([answer.status, answer.body]).toMatchObject([200, { taken: false, ...expected }]);
    expect(siem.arrived).toHaveLength(1);
    expect(await rowOf(org.stream)).toEqual(before);
  });

  it("is sent once by fifty who ask in the same moment, and again when the pause is over", async () => {
    const org = await streamed();
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(org)));
    const taken = answers.filter(({ status }) => status === 200);
    const waiting = answers.filter(({ status }) => status === 429);
    expect([taken.length, waiting.length, siem.arrived.length]).toEqual([1, 49, 1]);
    expect(waiting[0]?.headers.get("Retry-After")).toBe("10");
    studio.clock.nowMs += testPauseMs;
    expect((await ask(org)).status).toBe(200);
  });

  it("is on record with its status, and leaves a receipt only when it was sent", async () => {
    const org = await streamed();
    const [sent, refused] = [await ask(org), await ask(org)];
    for (const { requestId, status } of [sent, refused]) {
      const calls = studio.audit.of(requestId).map(({ phase, event }) => [phase, event]);
      expect(calls).toMatchObject([
        ["intent", {}],
        ["outcome", { user_id: org.owner.id, status_code: status }],
      ]);
    }
    const receipts = await asSuperuser(
      "SELECT request_id, org_id FROM control.operation_receipts WHERE request_id = ANY($1)",
      [[sent.requestId, refused.requestId]],
    );
    expect(receipts).toEqual([{ request_id: sent.requestId, org_id: org.id }]);
  });

  it("is nobody's who may not set the stream, and goes nowhere where there is none", async () => {
    const org = await streamed();
    const viewer = await studio.newMember(org, "viewer");
    const other = await streamed();
    expect((await ask(org, viewer.token)).status).toBe(403);
    expect((await ask(org, other.owner.token)).status).toBe(404);
    expect((await ask(await studio.newOrg())).status).toBe(404);
    expect(siem.arrived).toEqual([]);
  });
});
