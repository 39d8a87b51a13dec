/** Crowds that join by an organisation's own provider at the same moment, against what its plan allows. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { planLimits } from "../../../core/tenancy/plan.ts";
import { type RealProvider, startRealProvider } from "../../support/real-provider.ts";
import { asSuperuser } from "../support.ts";
import type { Account } from "./harness.ts";
import { createOutsideKit, newBrowser, type OutsideKit, redirectUri } from "./outside-kit.ts";

const limit = planLimits.free.members;
/** Places that are left when the crowd comes. */
const left = 2;
const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] };

let real: RealProvider;
let kit: OutsideKit;
beforeAll(async () => {
  real = await startRealProvider(redirectUri);
  kit = await createOutsideKit([real.issuer]);
});
afterAll(() => real.stop());

let count = 0;
function newSubject(email?: string): string {
  count += 1;
  const subject = `crowd-${count}-${crypto.randomUUID()}`;
  real.people.set(subject, { email: email ?? `${subject}@school.test`, email_verified: true, name: "One of a crowd" });
  return subject;
}

/** An organisation with all but two members, and its provider. */
async function nearlyFull() {
  const org = await kit.studio.newOrg();
  const provider = await kit.newProvider(org, real, joining);
  await asSuperuser(
    `WITH seeded AS (
       INSERT INTO control.users (id, email, name, created_at)
       SELECT 'usr_' || lpad(n::text, 10, '0') || right($1, 16), n || $1 || '@people.test', 'seeded', now()
       FROM generate_series(1, $2::int) n RETURNING id)
     INSERT INTO control.memberships (org_id, user_id, role, created_at) SELECT $1, id, 'viewer', now() FROM seeded`,
    [org.id, limit - 1 - left],
  );
  const members = async () =>
    (await asSuperuser("SELECT count(*)::int AS members FROM control.memberships WHERE org_id = $1", [org.id]))[0];
  return { org, provider, members };
}
/** What the provider sends each of them back with: all stand at our door at once. */
async function atTheDoor(slug: string, provider: string, subjects: readonly string[]) {
  return Promise.all(
    subjects.map(async (subject) => {
      const browser = newBrowser();
      return { browser, returned: await real.signIn(await kit.start(slug, provider, browser), subject) };
    }),
  );
}

it("as many sign up at the same moment as the plan has room for; the others get no account that stands outside", async () => {
  const { org, provider, members } = await nearlyFull();
  const subjects = Array.from({ length: 8 }, () => newSubject());
  const crowd = await atTheDoor(org.slug, provider, subjects);
  const answers = await Promise.all(crowd.map(({ browser, returned }) => kit.finish(org.slug, browser, returned)));
  const outcome = answers.map(({ status, body }) => [status, body.code]).toSorted();
  expect(outcome).toEqual([...Array(left).fill([200, undefined]), ...Array(8 - left).fill([403, "no_account"])]);
  expect(await members()).toEqual({ members: limit });
  const [made] = await asSuperuser("SELECT count(*)::int AS accounts FROM control.users WHERE email = ANY ($1)", [
    subjects.map((subject) => `${subject}@school.test`),
  ]);
  expect(made).toEqual({ accounts: left });
  // Somebody goes, and there is room again.
  const gone = answers.find(({ status }) => status === 200)?.body.user.id;
  await kit.studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${gone}`, { token: org.owner.token });
  const [late] = await atTheDoor(org.slug, provider, [newSubject()]);
  expect((await kit.finish(org.slug, late!.browser, late!.returned)).status).toBe(200);
  expect(await members()).toEqual({ members: limit });
});

it("as many join at the same moment by linking their accounts; the others are linked and stay outside", async () => {
  const { org, provider, members } = await nearlyFull();
  const people: Account[] = [];
  for (let one = 0; one < 6; one += 1) people.push(await kit.studio.newAccount());
  const crowd = await atTheDoor(
    org.slug,
    provider,
    people.map(({ email }) => newSubject(email)),
  );
  const challenges = await Promise.all(
    crowd.map(
      async ({ browser, returned }) => (await kit.finish(org.slug, browser, returned)).body.challenge as string,
    ),
  );
  const linked = await Promise.all(
    people.map((person, index) => kit.link(person, challenges[index]!, crowd[index]!.browser)),
  );
  expect(linked.map(({ status }) => status)).toEqual(Array(6).fill(201));
  expect(linked.filter(({ body }) => body.joined)).toHaveLength(left);
  expect(await members()).toEqual({ members: limit });
});
