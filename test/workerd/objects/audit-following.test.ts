/** What the clock reads of a log for the organisation's own destination. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { personFailuresMin } from "../../../core/audit/alerts.ts";
import type { OrgId } from "../../../core/ids.ts";
import { followingMax } from "../../../core/rpc/durable-objects.ts";
import { resetSink } from "./fake-sink.ts";
import { callerOf, entrypoints, jobCall, login, newOrg, newRequest, newUser, stopClock, userCall } from "./harness.ts";
import { append, logOf } from "./log-kit.ts";

beforeAll(stopClock);
beforeEach(resetSink);

const call = (org: OrgId | null) =>
  callerOf("studio").asJob("durable-objects.audit-reader", "audit_stream", org, newRequest());
const follow = async (org: OrgId, seq: number, limit = followingMax) =>
  await entrypoints.AuditReader.following(await call(org), seq, limit);

describe("AuditReader: what follows an entry", () => {
  it("comes oldest first, without a gap, and is nothing at the end", async () => {
    const org = newOrg();
    expect(await follow(org, 0)).toEqual([]);
    await append(org, 7);
    const seqs = async (from: number, limit?: number) => (await follow(org, from, limit)).map(({ seq }) => seq);
    expect(await seqs(0)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await seqs(2, 3)).toEqual([3, 4, 5]);
    await evictDurableObject(logOf(org));
    expect(await seqs(6)).toEqual([7]);
    for (const end of [7, 8, 100]) expect(await seqs(end)).toEqual([]);
    // As readers see it: who it was stands in it.
    expect((await follow(org, 0, 1))[0]).toMatchObject({
      log: org,
      event: { type: "login", user_id: expect.any(String) },
    });
  });

  it("is the organisation's of the job alone, whatever is asked for", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await append(org, 2);
    expect(await follow(other, 0)).toEqual([]);
    for (const [seq, limit] of [
      [-1, 1],
      [0.5, 1],
      [0, 0],
      [0, followingMax + 1],
      [Number.NaN, 1],
    ] as const)
      await expect(follow(org, seq, limit)).rejects.toThrow("not a range");
  });

  it("is for the clock's job and nobody else, an owner neither", async () => {
    const org = newOrg();
    const refused = async (signed: Promise<Awaited<ReturnType<typeof call>>>) =>
      await expect((async () => await entrypoints.AuditReader.following(await signed, 0, 1))()).rejects.toThrow(
        "refused",
      );
    await refused(userCall("durable-objects.audit-reader", org, newRequest(), newUser(), "owner"));
    await refused(jobCall(org, newRequest()));
    await refused(callerOf("studio").asJob("durable-objects.audit-reader", "audit_witness", org, newRequest()));
    await refused(call(null));
    // Its own job opens nothing else of the log.
    const filter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 1 };
    await expect((async () => await entrypoints.AuditReader.list(await call(org), filter))()).rejects.toThrow(
      "refused",
    );
  });
});

describe("AuditReader: alerts that somebody is to be told of", () => {
  it("are said by the append that completes the pattern, and are those after what was told", async () => {
    const [org, user] = [newOrg(), newUser()];
    const failed = login(user, { outcome: "failure", mfa: "not_reached" });
    const said: (number | undefined)[] = [];
    for (let count = 0; count < personFailuresMin + 2; count += 1) {
      const signed = await jobCall(org, newRequest());
      said.push((await entrypoints.AuditIntake.append(signed, org, [failed])).alerts);
    }
    expect(said).toEqual([...Array.from({ length: personFailuresMin - 1 }, () => 0), 1, 0, 0]);
    const [alert, ...others] = await entrypoints.AuditReader.alerts(await call(org), 0);
    expect([alert?.event, others]).toEqual([
      expect.objectContaining({ type: "alert", kind: "many_failures", user_id: user }),
      [],
    ]);
    expect(await entrypoints.AuditReader.alerts(await call(org), alert?.seq ?? 0)).toEqual([]);
    expect(await entrypoints.AuditReader.alerts(await call(newOrg()), 0)).toEqual([]);
    const owner = userCall("durable-objects.audit-reader", org, newRequest(), newUser(), "owner");
    await expect((async () => await entrypoints.AuditReader.alerts(await owner, 0))()).rejects.toThrow("refused");
  });
});
