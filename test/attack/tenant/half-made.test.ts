/** A creation that is cut short, at each of its steps: either it is finished by asking again, or nothing is left of it. */
import { beforeAll, describe, expect, it } from "vitest";
import { type OrgId, parseId } from "../../../core/ids.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { createStudio } from "../../../workers/studio/create-studio.ts";
import { runLifecycle } from "../../../workers/studio/lifecycle/run-lifecycle.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { Account } from "../../postgres/studio/harness.ts";
import { asSuperuser, setup } from "../../postgres/support.ts";
import { createWhole, type Whole } from "./whole-kit.ts";

let whole: Whole;
/** Written by each test: how the next creation is cut short. */
let broken: (services: Services) => Partial<Services> = () => ({});
beforeAll(async () => {
  whole = await createWhole();
});

const lost = (): Promise<never> => Promise.reject(new Error("cut short"));
const effectThen = async (work: Promise<unknown>): Promise<never> => {
  await work;
  return lost();
};

/** Each step of createOrg, cut before it had an effect and behind it. A statement is told by what it says. */
const cuts: Readonly<Record<string, (services: Services) => Partial<Services>>> = {
  "before the claim": (services) => statement(services, "'provisioning', ", "before"),
  "behind the claim": (services) => statement(services, "'provisioning', ", "behind"),
  "before the schema": ({ provisioner }) => ({ provisioner: { ...provisioner, createTenant: lost } }),
  "behind the schema": ({ provisioner }) => ({
    provisioner: { ...provisioner, createTenant: (call, org) => effectThen(provisioner.createTenant(call, org)) },
  }),
  "before the hub": ({ hub }) => ({ hub: { ...hub, putMember: lost } }),
  "behind the hub": ({ hub }) => ({ hub: { ...hub, putMember: (...said) => effectThen(hub.putMember(...said)) } }),
  "before the policy": ({ policies }) => ({ policies: { ...policies, put: lost } }),
  "between policy and slug": ({ policies }) => ({
    policies: { ...policies, put: (key, value) => (key.startsWith("slug:") ? lost() : policies.put(key, value)) },
  }),
  "behind the policy": ({ policies }) => ({
    policies: {
      ...policies,
      put: (key, value) => (key.startsWith("slug:") ? effectThen(policies.put(key, value)) : policies.put(key, value)),
    },
  }),
  "before it is on record": ({ audit }) => ({ audit: { ...audit, append: lost } }),
  "before it is opened": (services) => statement(services, "SET status = 'active'", "before"),
  "behind its opening": (services) => statement(services, "SET status = 'active'", "behind"),
};

function statement({ database }: Services, said: string, when: "before" | "behind"): Partial<Services> {
  const cut = <T>(texts: readonly string[], work: () => Promise<T>): Promise<T> => {
    if (!texts.some((text) => text.includes(said))) return work();
    return when === "before" ? lost() : effectThen(work());
  };
  return {
    database: {
      ...database,
      query: (asked, options) => cut([asked.text], () => database.query(asked, options)),
      transaction: (asked, options) =>
        cut(
          asked.map(({ text }) => text),
          () => database.transaction(asked, options),
        ),
    },
  };
}

/** Sends a creation to a studio whose parts fail as told. @returns the status */
async function create(owner: Account, slug: string): Promise<number> {
  const { services } = whole.studio;
  const { fetch } = createStudio({ ...services, ...broken(services) });
  const real = whole.studio.fetch;
  Object.assign(whole.studio, { fetch });
  try {
    return (await whole.send("POST", "/api/v1/orgs", { token: owner.token, body: { name: "Half made", slug } })).status;
  } finally {
    Object.assign(whole.studio, { fetch: real });
    broken = () => ({});
  }
}

const newSlug = () => `half-${crypto.randomUUID().slice(0, 12)}`;
const look = (owner: Account, slug: string) =>
  whole.send("GET", `/api/v1/orgs/${slug}/devices`, { token: owner.token });

async function leftOf(slug: string, org: OrgId | null): Promise<unknown> {
  const rows = await asSuperuser("SELECT id FROM control.organisations WHERE slug = $1", [slug]);
  const places =
    org === null
      ? []
      : await asSuperuser("SELECT placement FROM control.organisation_placements WHERE org_id = $1", [org]);
  let schemas = 0;
  for (const placement of Object.keys(setup.placements)) {
    const name = org === null ? "" : tenantIdentifier(org);
    schemas += (
      await asSuperuser(
        "SELECT FROM pg_namespace WHERE nspname = $1 UNION ALL SELECT FROM pg_roles WHERE rolname = $1",
        [name],
        placement,
      )
    ).length;
  }
  return { rows: rows.length, places: places.length, schemas, published: whole.kv.has(`slug:${slug}`) };
}

describe("a creation that is cut short", () => {
  it.each(Object.entries(cuts))(
    "%s answers not at all or wholly, and is finished by asking again",
    async (when, cut) => {
      const [owner, slug] = [await whole.newAccount(), newSlug()];
      broken = cut;
      expect(await create(owner, slug)).toBeGreaterThanOrEqual(500);
      const between = await look(owner, slug);
      // Opened is the last step: before it there is no organisation, behind it there is a whole one.
      expect(between.status).toBe(when === "behind its opening" ? 200 : 404);
      expect(await create(owner, slug)).toBe(when === "behind its opening" ? 409 : 201);
      expect((await look(owner, slug)).status).toBe(200);
    },
  );

  it.each(Object.entries(cuts).filter(([when]) => when !== "before the claim" && when !== "behind its opening"))(
    "%s is swept away after a day, with all that it had made, and its slug is another's",
    async (_when, cut) => {
      const [owner, slug] = [await whole.newAccount(), newSlug()];
      broken = cut;
      await create(owner, slug);
      const [row] = await asSuperuser("SELECT id FROM control.organisations WHERE slug = $1", [slug]);
      const org = parseId("org", row?.["id"]) as OrgId;
      await runLifecycle(whole.studio.services);
      expect(await leftOf(slug, org)).toMatchObject({ rows: 1 });

      await asSuperuser("UPDATE control.organisations SET claimed_at = now() - interval '25 hours' WHERE id = $1", [
        org,
      ]);
      await runLifecycle(whole.studio.services);
      // Given up is given up: the same person can't finish what is being taken away.
      expect(await create(owner, slug)).toBe(409);
      await asSuperuser(
        "UPDATE control.org_deletions SET started_at = started_at - interval '11 minutes', delete_after = delete_after - interval '11 minutes' WHERE org_id = $1",
        [org],
      );
      await runLifecycle(whole.studio.services);
      expect(await leftOf(slug, org)).toEqual({ rows: 0, places: 0, schemas: 0, published: false });
      expect(await create(await whole.newAccount(), slug)).toBe(201);
    },
  );

  it("is left alone for another day by whoever comes back to it", async () => {
    const [owner, slug] = [await whole.newAccount(), newSlug()];
    const cut = cuts["before the schema"] as (services: Services) => Partial<Services>;
    broken = cut;
    await create(owner, slug);
    await asSuperuser("UPDATE control.organisations SET claimed_at = now() - interval '25 hours' WHERE slug = $1", [
      slug,
    ]);
    broken = cut;
    await create(owner, slug);
    await runLifecycle(whole.studio.services);
    expect(await create(owner, slug)).toBe(201);
  });

  it("can't be opened by a request that was under way while it was given up", async () => {
    const [owner, slug] = [await whole.newAccount(), newSlug()];
    broken = ({ audit }) => ({
      audit: {
        ...audit,
        append: async (call, log, events) => {
          const aged = "UPDATE control.organisations SET claimed_at = now() - interval '25 hours' WHERE slug = $1";
          if (log !== null) {
            await asSuperuser(aged, [slug]);
            await runLifecycle(whole.studio.services);
          }
          return audit.append(call, log, events);
        },
      },
    });
    expect(await create(owner, slug)).toBe(503);
    // Being taken away: its maker may know that, and nothing of it answers.
    expect((await look(owner, slug)).body.code).toBe("org_deleting");
  });
});
