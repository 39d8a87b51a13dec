/** An organisation that is erased: what is left of it, what is not, and what somebody who kept everything can still do. */

import { beforeAll, describe, expect, it } from "vitest";
import { type OrgId, parseId } from "../../../core/ids.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { DatabaseError, sql } from "../../../store/connect.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { repairTenant } from "../../../workers/data/provisioner/repair-tenant.ts";
import { exchangeApiKey } from "../../../workers/studio/auth/api-keys.ts";
import { exchangeSession } from "../../../workers/studio/auth/exchange-session.ts";
import { runLifecycle } from "../../../workers/studio/lifecycle/run-lifecycle.ts";
import { shredders } from "../../../workers/studio/lifecycle/shredders.ts";
import { asSuperuser, dataConfig, newRequestId, runAs, setup, tenantMigrations } from "../../postgres/support.ts";
import { scopeOf } from "../../support/scopes.ts";
import { checksum } from "./support.ts";
import { controlChecksum, createWhole, type Organisation, type Whole } from "./whole-kit.ts";

let whole: Whole;
beforeAll(async () => {
  whole = await createWhole();
});

const run = () => runLifecycle(whole.studio.services);
type Org = Pick<Organisation, "slug" | "owner"> & { readonly id: string };
const remove = (org: Org) =>
  whole.send("DELETE", `/api/v1/orgs/${org.id}`, { token: org.owner.token, body: { slug: org.slug } });
const graceOver = (org: Org) =>
  asSuperuser("UPDATE control.org_deletions SET delete_after = now() - interval '1 day' WHERE org_id = $1", [org.id]);
const quiet = (org: Org) =>
  asSuperuser("UPDATE control.org_deletions SET started_at = now() - interval '11 minutes' WHERE org_id = $1", [
    org.id,
  ]);
const deletion = async (org: Org) =>
  (await asSuperuser("SELECT * FROM control.org_deletions WHERE org_id = $1", [org.id]))[0];

async function eraseWholly(org: Organisation): Promise<void> {
  await remove(org);
  await graceOver(org);
  await run();
  await quiet(org);
  await run();
}

/** Everything in the control database that names an organisation, by table: columns are asked, not listed. */
async function rowsNaming(org: string): Promise<string[]> {
  const columns = await asSuperuser(
    `SELECT c.relname AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'control'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
       AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)`,
  );
  const named: string[] = [];
  for (const { table, column } of columns) {
    const [row] = await asSuperuser(
      `SELECT count(*)::int AS n FROM control."${table}" WHERE "${column}"::text LIKE '%' || $1 || '%'`,
      [org],
    );
    if (Number(row?.["n"]) > 0) named.push(`${table}.${column}`);
  }
  return named.toSorted();
}

async function onPlacement(org: Organisation): Promise<unknown> {
  const [row] = await asSuperuser(
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS schema, EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS role,
       EXISTS (SELECT FROM pg_largeobject_metadata m LEFT JOIN pg_roles r ON r.oid = m.lomowner WHERE r.oid IS NULL) AS orphans`,
    [tenantIdentifier(org.id)],
    org.tenant.placement,
  );
  return row;
}

describe("an organisation whose grace is over", () => {
  it("is gone from every place, and nobody else's is touched", async () => {
    const org = await whole.organisation();
    const other = await whole.organisation(org.tenant.placement);
    const before = [await checksum(other.tenant), await controlChecksum(other.id)];
    // What only its own role could have left behind, besides its schema.
    await org.tenant.run("system", null, sql`SELECT lo_create(0)`);
    expect((await remove(org)).status).toBe(202);
    await run();
    expect(await deletion(org)).toMatchObject({ started_at: null, steps_done: [] });
    expect(await onPlacement(org)).toMatchObject({ schema: true, role: true });

    await graceOver(org);
    await run();
    // What was under way before is given time to end.
    expect(await deletion(org)).toMatchObject({
      steps_done: ["recorded", "data_keys", "edge", "hub", "backups", "documents", "exports", "payments"],
      tenant_dropped_at: null,
    });
    expect(whole.kv.has(`org:${org.id}`) || whole.kv.has(`slug:${org.slug}`)).toBe(false);
    await quiet(org);
    await run();
    expect(await deletion(org)).toMatchObject({
      steps_done: shredders.map(({ name }) => name),
      finished_at: expect.any(Date),
    });
    expect(await onPlacement(org)).toEqual({ schema: false, role: false, orphans: false });
    // The deletion itself, and receipts, which hold ids and times alone.
    expect(await rowsNaming(org.id)).toEqual(["operation_receipts.org_id", "org_deletions.org_id"]);
    expect(await rowsNaming(org.slug)).toEqual([]);
    expect([await checksum(other.tenant), await controlChecksum(other.id)]).toEqual(before);
    expect((await whole.send("GET", `/api/v1/orgs/${other.id}/devices`, { token: other.owner.token })).status).toBe(
      200,
    );
    // Its people are people still.
    expect((await whole.send("GET", "/api/v1/me", { token: org.owner.token })).body.orgs).toEqual([]);
  });

  it("keeps its audit log, which says what became of it, as a platform's does", async () => {
    const org = await whole.organisation();
    await eraseWholly(org);
    const entries = whole.audit.events.filter(({ event }) => event.type === "org_change" && event.org_id === org.id);
    const actions = (log: string | null) =>
      entries.filter((entry) => entry.log === log).map(({ event }) => (event as { action: string }).action);
    expect(actions(org.id)).toEqual(["created", "deletion_requested", "deletion_begun", "deleted"]);
    expect(actions(null)).toEqual(["deletion_begun", "deleted"]);
  });

  it.each(shredders.map(({ name }) => name))(
    "is erased whole by a later run when one is killed at %s, before it or behind it",
    async (name) => {
      for (const when of ["before", "behind"] as const) {
        const org = await whole.newOrg();
        await remove(org);
        await graceOver(org);
        await run();
        await quiet(org);
        // As it stood before the step: everything behind it is still to be done.
        const done = shredders
          .slice(
            0,
            shredders.findIndex((step) => step.name === name),
          )
          .map((step) => step.name);
        await asSuperuser("UPDATE control.org_deletions SET steps_done = $2 WHERE org_id = $1", [org.id, done]);
        await runLifecycle({ ...whole.studio.services, ...killedAt(name, when) });
        expect(await deletion(org)).toMatchObject({ finished_at: null, steps_done: done });
        await run();
        expect((await deletion(org))?.["finished_at"]).toBeInstanceOf(Date);
        expect(await asSuperuser("SELECT FROM control.organisations WHERE slug = $1", [org.slug])).toEqual([]);
        const role = "SELECT FROM pg_roles WHERE rolname = $1";
        for (const placement of Object.keys(setup.placements))
          expect(await asSuperuser(role, [tenantIdentifier(parseId("org", org.id) as OrgId)], placement)).toEqual([]);
      }
    },
  );
});

describe("who kept everything of an organisation that was erased", () => {
  it("opens nothing with it in the next one of the same name: no token, cookie, key, cursor or invitation", async () => {
    const org = await whole.organisation();
    const api = `/api/v1/orgs/${org.slug}`;
    const made = await whole.send("POST", `${api}/api-keys`, {
      token: org.owner.token,
      body: { name: "kept", role: "admin", expires_at: new Date(whole.clock.nowMs + 40 * 86_400_000).toISOString() },
    });
    const invited = await whole.newAccount();
    await whole.send("POST", `${api}/invitations`, {
      token: org.owner.token,
      body: { email: invited.email, role: "admin" },
    });
    const invitation = whole.mailedToken(invited.email);
    await whole.newMember(org, "admin");
    const { next_cursor: cursor } = (await whole.send("GET", `${api}/members?limit=1`, { token: org.owner.token }))
      .body;
    const scoped = await exchangeSession(whole.studio.services, org.owner.cookie.split("=")[1], org.id, newRequestId());
    if (scoped.kind !== "ok") throw new Error("no token for the organisation itself");
    await eraseWholly(org);

    const heir = await whole.newAccount();
    const again = await whole.send("POST", "/api/v1/orgs", {
      token: heir.token,
      body: { name: "The next", slug: org.slug },
    });
    expect(again.status).toBe(201);
    expect(again.body.id).not.toBe(org.id);
    for (const token of [org.owner.token, org.viewer.token, scoped.accessToken]) {
      for (const path of ["", "/devices", "/audit", "/members"])
        expect((await whole.send("GET", `${api}${path}`, { token })).status).toBe(404);
    }
    expect(await exchangeApiKey(whole.studio.services, made.body.key, newRequestId())).toEqual({ kind: "refused" });
    expect(
      (await whole.send("POST", "/api/v1/invitations/accept", { token: invited.token, body: { token: invitation } }))
        .status,
    ).toBe(404);
    expect((await whole.send("GET", `${api}/members?cursor=${cursor}`, { token: heir.token })).body.code).toBe(
      "invalid_cursor",
    );
    const gone = await whole.send("GET", `/api/v1/orgs/${org.id}`, { token: org.owner.token });
    expect(gone.status).toBe(404);
  });

  it("has no database login, and a late packet makes no schema again", async () => {
    const org = await whole.organisation();
    const session = await org.tenant.run("system", null, sql`SELECT 1 AS here`);
    expect(session).toEqual([[{ here: 1 }]]);
    await eraseWholly(org);
    const login = org.tenant.database.query(sql`SELECT 1`);
    await expect(login).rejects.toThrow(DatabaseError);
    await expect(createTenant(dataConfig, scopeOf(org.id), tenantMigrations)).rejects.toThrow("was erased");
    await expect(repairTenant(dataConfig, scopeOf(org.id))).rejects.toThrow("was erased");
    expect(await onPlacement(org)).toMatchObject({ schema: false, role: false });
  });
});

describe("the slug of what is to be deleted", () => {
  it("is nobody's until it is erased", async () => {
    const org = await whole.organisation();
    const stranger = await whole.newAccount();
    const claim = () =>
      whole.send("POST", "/api/v1/orgs", { token: stranger.token, body: { name: "Mine", slug: org.slug } });
    await remove(org);
    expect((await claim()).body.code).toBe("slug_taken");
    await graceOver(org);
    await run();
    expect((await claim()).body.code).toBe("slug_taken");
    await quiet(org);
    await run();
    expect((await claim()).status).toBe(201);
  });
});

describe("whatever in the control database belongs to an organisation", () => {
  it("goes with it: every reference to it, or to its place, cascades", async () => {
    const left = await runAs(
      setup.ownerUrls["first"]!,
      `SELECT conrelid::regclass::text AS table FROM pg_constraint
       WHERE contype = 'f' AND confdeltype <> 'c'
         AND confrelid IN ('control.organisations'::regclass, 'control.organisation_placements'::regclass)`,
    );
    // Which the last step deletes by name.
    expect(left).toEqual([{ table: "control.tenant_migrations" }]);
  });
});

/** Services of a run that dies at one step: before it had an effect, or behind it and before that was noted. */
function killedAt(name: string, when: "before" | "behind"): Partial<Whole["studio"]["services"]> {
  const { services } = whole.studio;
  const step = shredders.find((shredder) => shredder.name === name);
  if (step === undefined) throw new Error("no such step");
  const { database } = services;
  if (when === "behind") {
    return {
      database: {
        ...database,
        query: (statement, options) => {
          const notes = statement.text.includes("steps_done ||") && statement.values.includes(name);
          return notes ? Promise.reject(new Error("killed")) : database.query(statement, options);
        },
      },
    };
  }
  const dies = () => Promise.reject(new Error("killed"));
  switch (name) {
    case "recorded":
    case "erasure_recorded":
      return { audit: { ...services.audit, append: dies } };
    case "data_keys":
      return {
        database: {
          ...database,
          transaction: (statements, options) =>
            statements.some(({ text }) => text.includes("control.data_keys"))
              ? dies()
              : database.transaction(statements, options),
        },
      };
    case "edge":
      return { policies: { ...services.policies, delete: dies } };
    case "hub":
      return { hubLifecycle: { ...services.hubLifecycle, erase: dies } };
    case "backups":
      return { backups: { ...services.backups, erase: dies } };
    case "exports":
      return { exports: { ...services.exports, erase: dies } };
    case "payments":
      return { billing: { ...services.billing, end: dies } };
    case "documents":
      return { documents: { ...services.documents, erase: dies } };
    default:
      return { provisioner: { ...services.provisioner, dropTenant: dies } };
  }
}
