/** A log on its way to a SIEM that fails, lies and dies, over real TLS; and what is left when we die ourselves. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { batchEntriesMax } from "../../../core/audit/stream/batch.ts";
import { giveUpMs, retryMsMax } from "../../../core/audit/stream/verdict.ts";
import { claimMs } from "../../../store/control/audit-stream-runs.ts";
import { deadLettersMax, secretOverlapMs } from "../../../store/control/audit-streams.ts";
import { createPostMessage } from "../../../workers/studio/audit/stream/post.ts";
import { runAuditStreams } from "../../../workers/studio/audit/stream/run.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { type Arrived, isSignedBy, type Siem, startSiem } from "../../support/siem.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

let siem: Siem;
let studio: Harness;
let services: Services;
/** Set: the statement that moves the cursor does not arrive. */
let dies = false;

beforeAll(async () => {
  siem = await startSiem();
  studio = await createHarness((whole) => {
    const post = createPostMessage(siem.fetch, new Set(), { postMsMax: 1500 });
    const database: Services["database"] = {
      transaction: (...given) => whole.database.transaction(...given),
      query: (statement, options) => {
        if (dies && statement.text.includes("delivered_at = ")) throw new Error("killed");
        return whole.database.query(statement, options);
      },
    };
    services = { ...whole, database, streams: { loopback: new Set(), post } };
    return services;
  });
});
afterAll(() => siem.stop());
beforeEach(async () => {
  dies = false;
  siem.answers = [{ status: 204 }];
  // One stream at a time: the clock takes whatever is due.
  await asSuperuser("DELETE FROM control.audit_streams");
  studio.mails.length = 0;
});

async function streamed(format = "json") {
  const org = await studio.newOrg();
  const body = { url: siem.url, format, from: "beginning" };
  const made = await studio.send("PUT", `/api/v1/orgs/${org.slug}/audit/stream`, { token: org.owner.token, body });
  expect(made.status).toBe(200);
  siem.arrived.length = 0;
  return { ...org, secret: made.body.secret as string, stream: made.body.id as string };
}
type Streamed = Awaited<ReturnType<typeof streamed>>;

const visit = () => runAuditStreams(services);
/** The clock's next visit when everything is due. */
async function later(ms: number): Promise<void> {
  studio.clock.nowMs += ms;
  await visit();
}
const state = async ({ stream }: Streamed) => {
  const rows = await asSuperuser(
    `SELECT delivered_seq::integer AS delivered, sending_seq::integer AS sending, failure, status,
       stopped_at IS NOT NULL AS stopped FROM control.audit_streams WHERE id = $1`,
    [stream],
  );
  return rows[0];
};
const aside = ({ stream }: Streamed) =>
  asSuperuser(
    `SELECT first_seq::integer AS first, last_seq::integer AS last, failure, status
     FROM control.audit_stream_dead_letters WHERE stream_id = $1 ORDER BY first_seq`,
    [stream],
  );
const lengthOf = ({ id }: Streamed) => studio.audit.events.filter(({ log }) => log === id).length;
const seqsOf = ({ message }: Arrived): number[] => message.data.entries.map(({ seq }: { seq: number }) => seq);
const counted = (to: number) => Array.from({ length: to }, (_, index) => index + 1);
/** More of the log, straight into it. */
function fill({ id, owner }: Streamed, count: number): void {
  const event = { type: "policy_change", user_id: owner.id, policy: "geo" } as const;
  for (let index = 0; index < count; index += 1)
    studio.audit.events.push({ log: id as never, phase: "event", requestId: "req_01jd3x2k8hf9v8v3k4m5n6p7q8", event });
}

describe("a log that is streamed", () => {
  it("arrives whole and in order, signed, and goes on with what comes", async () => {
    const org = await streamed();
    fill(org, 2 * batchEntriesMax);
    const first = lengthOf(org);
    await visit();
    expect(siem.arrived.flatMap(seqsOf)).toEqual(counted(first));
    for (const arrived of siem.arrived) {
      expect(seqsOf(arrived).length).toBeLessThanOrEqual(batchEntriesMax);
      expect(isSignedBy(arrived, org.secret)).toBe(true);
      const { data, type } = arrived.message;
      expect([type, arrived.id]).toEqual(["audit.entries", `${org.stream}.${data.first_seq}-${data.last_seq}`]);
    }
    expect(siem.arrived[0]?.message.data.entries[0]).toMatchObject({ log: org.id, seq: 1, code: expect.any(Number) });
    expect(await state(org)).toMatchObject({ delivered: first, sending: null, failure: null });
    // Sending leaves nothing in the log, or it would never rest.
    expect(lengthOf(org)).toBe(first);
    fill(org, 1);
    await later(60_000);
    expect(siem.arrived.flatMap(seqsOf)).toEqual(counted(first + 1));
  });

  it("arrives in the fields of syslog when that is wanted", async () => {
    const org = await streamed("syslog");
    await visit();
    const [one] = siem.arrived[0]?.message.data.entries ?? [];
    expect(one).toMatchObject({ hostname: "sentinel.test", "app-name": "sentinel", procid: org.id, version: 1 });
  });

  it("is sent again under the same id when we die between the answer and the cursor", async () => {
    const org = await streamed();
    dies = true;
    await visit();
    const [first] = siem.arrived;
    expect(await state(org)).toMatchObject({ delivered: 0, sending: lengthOf(org) });
    dies = false;
    // More has come meanwhile; the message under way is what it was.
    fill(org, 5);
    await later(claimMs);
    expect(siem.arrived[1]?.id).toBe(first?.id);
    expect(seqsOf(siem.arrived[1] as Arrived)).toEqual(seqsOf(first as Arrived));
    expect([...new Set(siem.arrived.flatMap(seqsOf))]).toEqual(counted(lengthOf(org)));
    expect(await state(org)).toMatchObject({ delivered: lengthOf(org), sending: null });
  });

  it("is one clock's at a time: an older claim writes nothing", async () => {
    const org = await streamed();
    siem.answers = ["stall"];
    const slow = visit();
    await expect.poll(() => siem.arrived.length, { timeout: 300_000 }).toBe(1);
    // Somebody resumes it, and the next clock has it, while the first still waits for its answer.
    siem.answers = [{ status: 204 }];
    const resume = `/api/v1/orgs/${org.slug}/audit/stream/resume`;
    expect((await studio.send("POST", resume, { token: org.owner.token })).status).toBe(204);
    await visit();
    await slow;
    expect(await state(org)).toMatchObject({ delivered: lengthOf(org), sending: null, failure: null });
  });

  it("is signed under both secrets while one replaces another, and under the new one alone after a day", async () => {
    const org = await streamed();
    const path = `/api/v1/orgs/${org.slug}/audit/stream/secret`;
    const { secret } = (await studio.send("POST", path, { token: org.owner.token })).body;
    await visit();
    const [both] = siem.arrived;
    expect([both && isSignedBy(both, org.secret), both && isSignedBy(both, secret)]).toEqual([true, true]);
    siem.arrived.length = 0;
    fill(org, 1);
    await later(secretOverlapMs);
    const [one] = siem.arrived;
    expect([one && isSignedBy(one, org.secret), one && isSignedBy(one, secret)]).toEqual([false, true]);
  });

  it("waits while the organisation is shut", async () => {
    const org = await streamed();
    const operator = (what: string) =>
      studio.send("POST", `/api/v1/operator/orgs/${org.slug}/${what}`, { token: operatorToken });
    expect((await operator("suspend")).status).toBe(200);
    await visit();
    expect(siem.arrived).toEqual([]);
    expect((await operator("resume")).status).toBe(200);
    await visit();
    expect(siem.arrived).toHaveLength(1);
  });
});

describe("a destination that does not take it", () => {
  it.each([
    ["stalls", "stall", "unreachable", null],
    ["hangs up", "hang up", "unreachable", null],
    ["redirects", { status: 302, headers: { Location: "https://127.0.0.1/" } }, "redirected", 302],
    ["fails", { status: 500 }, "failing", 500],
    ["wants a credential", { status: 401 }, "refused", 401],
  ] as const)(
    "that %s is asked again with the same message, and nothing is lost",
    async (_what, answer, failure, status) => {
      const org = await streamed();
      siem.answers = [answer];
      await visit();
      expect(await state(org)).toMatchObject({ delivered: 0, failure, status, stopped: false });
      // Not before its time.
      const tries = siem.arrived.length;
      await visit();
      expect(siem.arrived.length).toBe(tries);
      siem.answers = [{ status: 200 }];
      await later(retryMsMax);
      expect(siem.arrived.at(-1)?.id).toBe(siem.arrived[0]?.id);
      expect(await state(org)).toMatchObject({ delivered: lengthOf(org), failure: null, status: null });
      expect(await aside(org)).toEqual([]);
    },
  );

  it("that says 410 is left alone until somebody resumes it; nothing is skipped", async () => {
    const org = await streamed();
    siem.answers = [{ status: 410 }];
    await visit();
    expect(await state(org)).toMatchObject({ delivered: 0, failure: "gone", stopped: true });
    await later(giveUpMs);
    expect(siem.arrived).toHaveLength(1);
    siem.answers = [{ status: 204 }];
    const { token } = await studio.signIn(org.owner.email);
    expect((await studio.send("POST", `/api/v1/orgs/${org.slug}/audit/stream/resume`, { token })).status).toBe(204);
    await visit();
    expect([...new Set(siem.arrived.flatMap(seqsOf))]).toEqual(counted(lengthOf(org)));
  });

  it("that refuses one message for good gets the next ones; that one is put aside and can be sent again", async () => {
    const org = await streamed();
    fill(org, batchEntriesMax);
    siem.answers = [{ status: 422 }, { status: 204 }];
    await visit();
    const [first] = siem.arrived;
    const range = { first: 1, last: seqsOf(first as Arrived).length };
    expect(await aside(org)).toEqual([{ ...range, failure: "not_accepted", status: 422 }]);
    expect(await state(org)).toMatchObject({ delivered: lengthOf(org), failure: null });
    const resend = `/api/v1/orgs/${org.slug}/audit/stream/dead-letters/1/resend`;
    const again = () => studio.send("POST", resend, { token: org.owner.token });
    // Refused again: it stays aside, and is not tried without end.
    siem.answers = [{ status: 400 }, { status: 204 }];
    expect((await again()).status).toBe(204);
    siem.arrived.length = 0;
    await later(60_000);
    expect(await aside(org)).toEqual([{ ...range, failure: "not_accepted", status: 400 }]);
    expect((await again()).status).toBe(204);
    await later(60_000);
    expect(siem.arrived.filter(({ id }) => id === first?.id)).toHaveLength(2);
    expect(await aside(org)).toEqual([]);
  });

  it("for three days costs messages their turn, one at a time, and they are aside, not lost", async () => {
    const org = await streamed();
    siem.answers = [{ status: 503 }];
    await visit();
    const first = lengthOf(org);
    fill(org, 3);
    await later(giveUpMs);
    expect(await aside(org)).toEqual([{ first: 1, last: first, failure: "failing", status: 503 }]);
    // The next one has had its chance too, and waits its hour.
    expect(await state(org)).toMatchObject({ delivered: first });
    siem.answers = [{ status: 204 }];
    await later(retryMsMax);
    expect(await state(org)).toMatchObject({ delivered: lengthOf(org), failure: null });
  });

  it(`is no way to have more than ${deadLettersMax} messages put aside: then all stops`, async () => {
    const org = await streamed();
    await asSuperuser(
      `INSERT INTO control.audit_stream_dead_letters (stream_id, first_seq, last_seq, failure, died_at)
       SELECT $1, n, n, 'failing', now() FROM generate_series(100000, 100000 + $2::integer - 1) AS n`,
      [org.stream, deadLettersMax],
    );
    siem.answers = [{ status: 400 }];
    await visit();
    expect(await state(org)).toMatchObject({ delivered: 0, stopped: true, failure: "not_accepted" });
    expect(await aside(org)).toHaveLength(deadLettersMax);
  });

  it("is told of once, to owners and admins, and its address stands in no mail", async () => {
    const org = await streamed();
    const admin = await studio.newMember(org, "admin");
    await studio.newMember(org, "readonly");
    await Promise.all(studio.deferred);
    studio.mails.length = 0;
    siem.answers = [{ status: 500 }];
    await visit();
    // A restart of theirs is not worth a mail.
    expect(studio.mails).toEqual([]);
    await later(20 * 60_000);
    const about = () => studio.mails.filter(({ subject }) => subject.includes(org.slug));
    expect(
      about()
        .map(({ to }) => to)
        .sort(),
    ).toEqual([admin.email, org.owner.email].sort());
    for (const { text } of about()) expect(text).not.toContain("siem.school.test");
    for (let day = 0; day < 5; day += 1) await later(24 * 3600_000);
    expect(about()).toHaveLength(2);
  });
});
