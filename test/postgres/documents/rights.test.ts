/**
 * Ownership of documents: what each person sees and may do, against a plain model of who made what and with whom it
 * is shared. Random people make, rename, share, delete and restore; "own data" of the product's role table, nothing
 * but Postgres behind it.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DocumentId, GroupId, UserId } from "../../../core/ids.ts";
import { type Role, roles } from "../../../core/tenancy/roles.ts";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { asSuperuser, type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createDocumentsKit, type DocumentsKit, type Person, personOf } from "./kit.ts";

const casesMin = 40;
/** Printed by fast-check with a failure; another one finds other cases. */
const seed = 20_261_122;
const users: readonly UserId[] = Array.from({ length: 3 }, () => newId("user"));
const groups: readonly GroupId[] = [newId("group"), newId("group")];
/** Who is in which group, by index. */
const membership = [[0, 1], [1]] as const;
const documentsMax = 3;
const everything = { limit: 200, cursor: null, query: null };

let kit: DocumentsKit;
let tenant: FreshTenant;
beforeAll(async () => {
  kit = await createDocumentsKit();
  tenant = await freshTenant();
  const run = (text: string, values: unknown[]) => asSuperuser(text, values, tenant.placement);
  for (const [index, id] of groups.entries()) {
    await run(`INSERT INTO ${tenant.name}.groups (id, name) VALUES ($1, $1)`, [id]);
    for (const user of membership[index] ?? [])
      await run(`INSERT INTO ${tenant.name}.group_members VALUES ($1, $2)`, [id, users[user]]);
  }
});
afterAll(() => kit.stop());

type Grantee = { kind: "user"; index: number } | { kind: "group"; index: number } | { kind: "role"; role: Role };
interface Modelled {
  readonly id: DocumentId;
  readonly owner: number;
  inBin: boolean;
  readonly shares: { readonly to: Grantee; readonly isOver: boolean }[];
}

const user = fc.nat(users.length - 1);
const document = fc.nat(documentsMax - 1);
const grantee: fc.Arbitrary<Grantee> = fc.oneof(
  fc.record({ kind: fc.constant("user" as const), index: user }),
  fc.record({ kind: fc.constant("group" as const), index: fc.nat(groups.length - 1) }),
  fc.record({ kind: fc.constant("role" as const), role: fc.constantFrom<Role>("analyst", "viewer") }),
);
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ act: fc.constant("make" as const), by: user }) },
  fc.record({ act: fc.constant("rename" as const), by: user, document }),
  fc.record({ act: fc.constant("remove" as const), by: user, document }),
  fc.record({ act: fc.constant("restore" as const), by: user, document }),
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant("share" as const), by: user, document, to: grantee, isOver: fc.boolean() }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const manages = (role: Role): boolean => role === "owner" || role === "admin";
const mayWrite = (role: Role, who: number, { owner }: Modelled): boolean =>
  manages(role) || (role === "analyst" && owner === who);
const reaches = (to: Grantee, role: Role, who: number): boolean => {
  if (to.kind === "user") return to.index === who;
  if (to.kind === "role") return to.role === role;
  return (membership[to.index] as readonly number[]).includes(who);
};
/** The row of the role table: own, shared, or everything. */
function sees(role: Role, who: number, one: Modelled): boolean {
  if (manages(role) || role === "readonly") return true;
  if (one.owner === who) return true;
  return !one.inBin && one.shares.some(({ to, isOver }) => !isOver && reaches(to, role, who));
}

async function perform(model: Modelled[], rolesOf: readonly Role[], todo: Step): Promise<void> {
  const by: Person = { user: users[todo.by] as UserId, role: rolesOf[todo.by] as Role };
  const call = () => kit.as(tenant.org, by);
  if (todo.act === "make") {
    if (model.length === documentsMax) return;
    const wanted = { document: null, name: "own data", sizeBytes: 0, declaredType: "text/plain" };
    const begun = await kit.documents.beginUpload(await call(), { ...wanted, storageBytesMax: 1024 ** 4 });
    const may = manages(by.role) || by.role === "analyst";
    expect(codeOf(begun)).toBe(may ? "ok" : "forbidden");
    if (!begun.ok) return;
    await kit.put(tenant.org, by, begun.value, new Uint8Array());
    const { id } = accepted(await kit.complete(tenant.org, by, begun.value));
    model.push({ id, owner: todo.by, inBin: false, shares: [] });
    return;
  }
  const one = model[todo.document];
  if (one === undefined) return;
  const refusal = (): string => {
    if (by.role === "viewer" || by.role === "readonly") return "forbidden";
    if (!sees(by.role, todo.by, one)) return "not_found";
    return mayWrite(by.role, todo.by, one) ? "ok" : "forbidden";
  };
  const [expected, inBin] = [refusal(), one.inBin];
  const outcome = (done: string, possible: boolean): void =>
    expect([todo.act, done]).toEqual([todo.act, expected === "ok" && !possible ? "conflict" : expected]);
  if (todo.act === "rename") {
    outcome(codeOf(await kit.documents.renameDocument(await call(), one.id, "renamed")), !inBin);
  } else if (todo.act === "remove") {
    const done = codeOf(await kit.documents.removeDocument(await call(), one.id));
    outcome(done, !inBin);
    if (done === "ok") one.inBin = true;
  } else if (todo.act === "restore") {
    const done = codeOf(await kit.documents.restoreDocument(await call(), one.id));
    outcome(done, inBin);
    if (done === "ok") one.inBin = false;
  } else {
    const { to, isOver } = todo;
    const named = to.kind === "role" ? to.role : to.kind === "user" ? users[to.index] : groups[to.index];
    const share = { kind: to.kind, grantee: named as string, until: new Date(Date.now() + 3_600_000).toISOString() };
    const done = await kit.documents.addShare(await call(), one.id, share);
    outcome(codeOf(done), !inBin);
    if (!done.ok) return;
    if (isOver)
      await asSuperuser(
        `UPDATE ${tenant.name}.document_shares SET until = now() WHERE id = $1`,
        [done.value.id],
        tenant.placement,
      );
    const others = one.shares.filter((known) => JSON.stringify(known.to) !== JSON.stringify(to));
    one.shares.splice(0, one.shares.length, ...others, { to, isOver });
  }
}

async function begin(): Promise<void> {
  for (const table of ["document_shares", "document_parts", "document_versions", "documents"])
    await asSuperuser(`DELETE FROM ${tenant.name}.${table}`, [], tenant.placement);
}

describe("own data: documents, for whoever asks", () => {
  it("are seen and changed as a plain model says, over random people, roles, groups, shares and ends", async () => {
    const seen = new Map<Role, number>();
    const wanted = { version: null, range: null, ifRange: null };
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.constantFrom<Role>("owner", "analyst"), fc.constantFrom(...roles), fc.constantFrom(...roles)),
        fc.array(step, { minLength: 3, maxLength: 10 }),
        user,
        async (rolesOf, steps, who) => {
          await begin();
          const model: Modelled[] = [];
          await perform(model, rolesOf, { act: "make", by: 0 });
          for (const todo of steps) await perform(model, rolesOf, todo);
          {
            const role = rolesOf[who] as Role;
            seen.set(role, (seen.get(role) ?? 0) + 1);
            const by: Person = { user: users[who] as UserId, role };
            const call = () => kit.as(tenant.org, by);
            const visible = model.filter((one) => sees(role, who, one));
            for (const bin of [false, true]) {
              const { items } = accepted(await kit.documents.listDocuments(await call(), { ...everything, bin }));
              expect(items.map(({ id }) => id).toSorted()).toEqual(
                visible
                  .filter(({ inBin }) => inBin === bin)
                  .map(({ id }) => id)
                  .toSorted(),
              );
              for (const item of items)
                expect(item.mayWrite).toBe(mayWrite(role, who, model.find(({ id }) => id === item.id) as Modelled));
            }
            for (const one of model) {
              const isSeen = visible.includes(one);
              expect(codeOf(await kit.documents.getDocument(await call(), one.id))).toBe(isSeen ? "ok" : "not_found");
              const content = await kit.documents.openContent(await call(), one.id, wanted);
              expect(codeOf(content)).toBe(isSeen && !one.inBin ? "ok" : "not_found");
              if (content.ok) await content.value.body.cancel();
              const shares = codeOf(await kit.documents.listShares(await call(), one.id));
              const mayKnow = mayWrite(role, who, one) || role === "readonly";
              expect(shares).toBe(isSeen ? (mayKnow ? "ok" : "forbidden") : "not_found");
            }
          }
        },
      ),
      { seed, numRuns: casesMin },
    );
    for (const role of roles) expect([role, (seen.get(role) ?? 0) > 2]).toEqual([role, true]);
  }, 600_000);
});

describe("row-level security of documents by itself, with the capability's own checks out of the way", () => {
  const owner = personOf("owner");
  const analyst = personOf("analyst");
  const tables = [
    sql`SELECT FROM documents`,
    sql`SELECT FROM document_versions`,
    sql`SELECT FROM document_parts`,
    sql`SELECT FROM document_shares`,
  ];
  let other: FreshTenant;
  let id: DocumentId;
  beforeAll(async () => {
    other = await freshTenant();
    ({ id } = await kit.upload(other.org, analyst, new Uint8Array([1, 2, 3])));
    const upload = await kit.begin(other.org, owner, 3);
    await kit.put(other.org, owner, upload, new Uint8Array([1, 2, 3]));
    const share = { kind: "role", grantee: "viewer", until: null } as const;
    accepted(await kit.documents.addShare(await kit.as(other.org, analyst), id, share));
  });

  const counts = async (role: Role | "system", who: UserId | null): Promise<number[]> =>
    (await other.run(role, who, ...tables)).map((rows) => rows.length);

  it("shows each role what is theirs, and nothing without a scope", async () => {
    expect(await counts("owner", newId("user"))).toEqual([2, 2, 1, 1]);
    expect(await counts("readonly", newId("user"))).toEqual([2, 2, 0, 1]);
    expect(await counts("analyst", analyst.user)).toEqual([1, 1, 0, 1]);
    // What is shared with them, and not with whom else.
    expect(await counts("viewer", newId("user"))).toEqual([1, 1, 0, 0]);
    expect(await counts("analyst", newId("user"))).toEqual([0, 0, 0, 0]);
    const results = await other.database.transaction([sql`SELECT set_config('sentinel.scope', '', true)`, ...tables]);
    expect(results.slice(1).map((rows) => rows.length)).toEqual([0, 0, 0, 0]);
  });

  it("lets nobody write what is another's, share it, or speak in another's name", async () => {
    const stranger = newId("user");
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const run = (statement: Parameters<FreshTenant["run"]>[2]) => other.run(role, stranger, statement as never);
      expect(await run(sql`UPDATE documents SET name = 'x' RETURNING id`)).toEqual([[]]);
      expect(await run(sql`DELETE FROM documents RETURNING id`)).toEqual([[]]);
      expect(await run(sql`UPDATE document_versions SET media_type = 'text/html' RETURNING id`)).toEqual([[]]);
      expect(await run(sql`DELETE FROM document_versions RETURNING id`)).toEqual([[]]);
      expect(await run(sql`DELETE FROM document_shares RETURNING id`)).toEqual([[]]);
      const added = [
        sql`INSERT INTO document_shares (id, document_id, grantee_kind, grantee, created_by)
          VALUES (${newId("share")}, ${id}, 'user', ${stranger}, ${stranger})`,
        sql`INSERT INTO document_versions (id, document_id, size_bytes, declared_type, upload, created_by)
          VALUES (${newId("upload")}, ${id}, 1, 'x', 'x', ${stranger})`,
        sql`INSERT INTO documents (id, name, owner_id, wrapped_key)
          VALUES (${newId("document")}, 'x', ${analyst.user}, 'x')`,
      ];
      for (const statement of added) await expect(run(statement)).rejects.toMatchObject({ code: "42501" });
    }
  });

  it("grants the tenant's role no statement that the capability doesn't use", async () => {
    const refused = [
      sql`UPDATE documents SET owner_id = 'me'`,
      sql`UPDATE documents SET wrapped_key = 'x'`,
      sql`UPDATE document_versions SET size_bytes = 0`,
      sql`UPDATE document_versions SET document_id = 'x'`,
      sql`UPDATE document_shares SET grantee = 'me'`,
      sql`TRUNCATE document_shares`,
      sql`ALTER TABLE documents DISABLE ROW LEVEL SECURITY`,
    ];
    for (const statement of refused)
      await expect(other.run("system", null, statement)).rejects.toMatchObject({ code: "42501" });
  });
});
