/** A handler that throws before, within or after the commit of its work: what the log says is what was done. */
import { beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { type Database, type Statement, sql } from "../../../store/connect.ts";
import { receiptExists } from "../../../workers/data/audit-sink/receipt-exists.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { createDataWorld, type DataWorld } from "../data/support.ts";
import { asSuperuser, newRequestId } from "../support.ts";
import { type Account, createHarness, type Harness } from "./harness.ts";

/** How the next transaction that leaves a receipt ends. */
type Failure = "never sent" | "fails at its end" | "its answer is lost";
const trap: { failure: Failure | null } = { failure: null };

let studio: Harness;
let world: DataWorld;
beforeAll(async () => {
  studio = await createHarness((services) => ({ ...services, database: trapped(services.database) }) as Services);
  world = await createDataWorld();
});

/** The real database; the next transaction that writes a receipt ends as {@link trap} says. */
function trapped(database: Database): Database {
  const run: Database["transaction"] = async (statements, options) => {
    const leavesReceipt = statements.some(({ text }) => text.includes("operation_receipts"));
    if (trap.failure === null || !leavesReceipt) return await database.transaction(statements, options);
    const failure = trap.failure;
    trap.failure = null;
    if (failure === "never sent") throw new Error("the gateway is away");
    const fails: Statement[] = failure === "fails at its end" ? [sql`SELECT 1 / 0`] : [];
    await database.transaction([...statements, ...fails], options);
    throw new Error("the answer is lost");
  };
  return { transaction: run, query: async (statement, options) => (await run([statement], options))[0] ?? [] };
}

/** What the log's reconciler is told of a request, by the data Worker over the same databases. */
async function wasDone(org: OrgId | null, requestId: string): Promise<boolean> {
  const call = await world.mesh.caller("durable-objects").asJob("data.audit-sink", "audit_drain", org, newRequestId());
  return await receiptExists(world.unit, call, org, requestId);
}

const phasesOf = (requestId: string): string[] =>
  studio.audit
    .of(requestId)
    .filter(({ event }) => event.type === "api_call")
    .map(({ phase }) => phase);

/** Ends a member's sessions while no hub can be told: thrown behind the commit. */
async function signOutMember(org: { id: string; owner: Account }) {
  const member = await studio.newMember(org, "viewer");
  studio.standIns.broken.add("endSessions");
  const path = `/api/v1/orgs/${org.id}/members/${member.id}/sessions`;
  const answer = await studio.send("DELETE", path, { token: org.owner.token });
  studio.standIns.broken.clear();
  return answer;
}

describe("a write whose handler throws", () => {
  it.each<[Failure, boolean]>([
    ["never sent", false],
    ["fails at its end", false],
    ["its answer is lost", true],
  ])("leaves its intent to the receipt, when its transaction: %s (done: %s)", async (failure, done) => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    trap.failure = failure;
    const path = `/api/v1/orgs/${org.id}/members/${member.id}`;
    const answer = await studio.send("PATCH", path, { token: org.owner.token, body: { role: "analyst" } });
    expect([answer.status, trap.failure]).toEqual([500, null]);
    expect(phasesOf(answer.requestId)).toEqual(["intent"]);
    expect(await wasDone(org.id as OrgId, answer.requestId)).toBe(done);
    const [row] = await asSuperuser("SELECT role FROM control.memberships WHERE org_id = $1 AND user_id = $2", [
      org.id,
      member.id,
    ]);
    expect(row?.["role"]).toBe(done ? "analyst" : "viewer");
  });

  it("is known as done when another part goes away behind its commit, with what it had caused", async () => {
    const org = await studio.newOrg();
    const answer = await signOutMember(org);
    expect(answer.status).toBe(503);
    expect(phasesOf(answer.requestId)).toEqual(["intent"]);
    expect(await wasDone(org.id as OrgId, answer.requestId)).toBe(true);
    const ended = studio.audit.of(answer.requestId).filter(({ event }) => event.type === "session_end");
    expect(ended.map(({ phase }) => phase)).toEqual(["event"]);
  });

  it("is asked again with its Idempotency-Key, and each request says what it did itself", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    const path = `/api/v1/orgs/${org.id}/members/${member.id}`;
    const options = { token: org.owner.token, headers: { "Idempotency-Key": `thrown-${member.id}` } };
    studio.standIns.broken.add("putMember");
    const first = await studio.send("PATCH", path, { ...options, body: { role: "analyst" } });
    studio.standIns.broken.clear();
    const again = await studio.send("PATCH", path, { ...options, body: { role: "analyst" } });
    expect([first.status, again.status]).toEqual([503, 200]);
    expect([phasesOf(first.requestId), phasesOf(again.requestId)]).toEqual([["intent"], ["intent", "outcome"]]);
    expect(await wasDone(org.id as OrgId, first.requestId)).toBe(true);
  });

  it("is not put on record as refused when part of it stays", async () => {
    const owner = await studio.newAccount();
    const slug = `half-${Math.random().toString(36).slice(2, 12)}`;
    studio.standIns.broken.add("every placement is full");
    const answer = await studio.send("POST", "/api/v1/orgs", { token: owner.token, body: { name: "Half", slug } });
    studio.standIns.broken.clear();
    expect([answer.status, answer.body.code]).toEqual([503, "no_capacity"]);
    expect(phasesOf(answer.requestId)).toEqual(["intent"]);
    expect(await wasDone(null, answer.requestId)).toBe(true);
  });

  it("gets no answer, and no outcome either, while the log does not take what it caused", async () => {
    const org = await studio.newOrg();
    studio.audit.down.append = true;
    const answer = await signOutMember(org);
    studio.audit.down.append = false;
    expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
    expect(phasesOf(answer.requestId)).toEqual(["intent"]);
  });
});
