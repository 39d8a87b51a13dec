import { connectAsync } from "mqtt";
import { type OrgId, parseId } from "../../core/ids.ts";
import { tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { median } from "../bench/statistics.ts";
import { type Api, newPerson, signIn, testPassword } from "../e2e/support/api.ts";
import type { StackProcess } from "../e2e/support/stack-process.ts";
import { rows } from "./database.ts";
import { between, hold, type Progress, type SoakOptions, seededRandom } from "./part.ts";
import { withStack } from "./stacks.ts";

const orgsCount = 100;
const peopleCount = 10;
/** Pairs of a person and somebody else's organisation that are tried. */
const trialsCount = 25;

interface Org {
  readonly id: string;
  readonly slug: string;
  readonly owner: Person;
}
type Person = Awaited<ReturnType<typeof newPerson>>;

/** A hundred organisations through the API: what one costs, and that nobody sees another's. */
export function soakTenants({ seed }: SoakOptions, progress: Progress): Promise<string> {
  progress.say("starting the stack");
  return withStack(async (stack) => {
    const { url, mailDir } = stack.description;
    const random = seededRandom(seed);
    progress.say("registering people");
    const people: Person[] = [];
    for (let index = 0; index < peopleCount; index += 1) people.push(await newPerson(url, mailDir, `person${index}`));
    const orgs: Org[] = [];
    const times: number[] = [];
    progress.say(() => `${orgs.length} of ${orgsCount} organisations; the last took ${times.at(-1)?.toFixed(0)} ms`);
    for (let index = 0; index < orgsCount; index += 1) {
      const owner = people[index % peopleCount] as Person;
      const slug = `soak-${String(index).padStart(3, "0")}`;
      const startedAtMs = performance.now();
      const { status, body } = await owner.api.send<{ id: string }>("POST", "/api/v1/orgs", { name: slug, slug });
      times.push(performance.now() - startedAtMs);
      hold(status === 201, `creating ${slug} answered ${status}: ${JSON.stringify(body)}`);
      orgs.push({ id: body.id, slug, owner });
    }
    progress.say("checking isolation");
    for (let trial = 0; trial < trialsCount; trial += 1) {
      const org = orgs[between(random, 0, orgs.length - 1)] as Org;
      const stranger = people.filter((person) => person !== org.owner)[between(random, 0, peopleCount - 2)] as Person;
      await checkStranger(stack, org, stranger);
    }
    const pairs = await checkDatabases(stack, orgs);
    const sorted = times.toSorted((a, b) => a - b);
    const tenth = (from: number): string => median(times.slice(from, from + 10)).toFixed(0);
    return (
      `${orgsCount} organisations, ${median(times).toFixed(0)} ms each (median; p90 ${sorted[Math.floor(orgsCount * 0.9)]?.toFixed(0)}, slowest ${sorted.at(-1)?.toFixed(0)}; first ten ${tenth(0)}, last ten ${tenth(orgsCount - 10)}); ` +
      `${trialsCount} strangers got 404 everywhere and no socket; of ${pairs} pairs of tenant roles none may use the other's schema`
    );
  });
}

/** The owner sees it; a stranger sees exactly what they would see of an organisation that does not exist. */
async function checkStranger(stack: StackProcess, org: Org, stranger: Person): Promise<void> {
  const own = await org.owner.api.send("GET", `/api/v1/orgs/${org.slug}/members`);
  hold(own.status === 200, `the owner of ${org.slug} got ${own.status}`);
  const requests: [string, (name: string) => string, unknown?][] = [
    ["GET", (name) => `/api/v1/orgs/${name}`],
    ["GET", (name) => `/api/v1/orgs/${name}/members`],
    ["GET", (name) => `/api/v1/orgs/${name}/devices`],
    ["GET", (name) => `/api/v1/orgs/${name}/audit`],
    ["POST", (name) => `/api/v1/orgs/${name}/groups`, { name: "mine" }],
    ["POST", (name) => `/api/v1/orgs/${name}/enrollment-codes`, { name: "mine", max_uses: 1, expires_in_seconds: 60 }],
  ];
  for (const [method, path, body] of requests) {
    const absent = await answerOf(stranger.api, method, path("soak-nobody"), body);
    for (const name of [org.id, org.slug]) {
      const answer = await answerOf(stranger.api, method, path(name), body);
      hold(answer.status === 404, `a stranger's ${method} ${path(name)} answered ${answer.status}`);
      hold(
        answer.text === absent.text,
        `${method} ${path(name)} tells that it exists: ${answer.text} ≠ ${absent.text}`,
      );
    }
  }
  hold(await connects(stack, org, org.owner), `the owner's socket to ${org.slug} was refused`);
  hold(!(await connects(stack, org, stranger)), `a stranger's socket to ${org.slug} was accepted`);
}

async function connects(stack: StackProcess, org: Org, person: Person): Promise<boolean> {
  // At the organisation's own door the token is for it; a stranger gets none there and tries their own.
  const door = `/api/v1/orgs/${org.id}`;
  const inside = await signIn(stack.description.url, person.email, testPassword, door).catch(() => person);
  const client = await connectAsync(`${stack.description.url.replace("http", "ws")}/mqtt/${org.id}`, {
    protocolVersion: 4,
    username: person.userId,
    password: inside.api.token ?? "",
    reconnectPeriod: 0,
  }).catch(() => null);
  await client?.endAsync(true);
  return client !== null;
}

async function answerOf(api: Api, method: string, path: string, body?: unknown) {
  const answer = await api.send<Record<string, unknown>>(method, path, body);
  return { status: answer.status, text: JSON.stringify({ ...answer.body, request_id: "" }) };
}

/** Every tenant's role against every other's schema on the same cluster, as Postgres itself judges it. */
async function checkDatabases(stack: StackProcess, orgs: readonly Org[]): Promise<number> {
  const names = orgs.map((org) => tenantIdentifier(parseId("org", org.id) as OrgId));
  let found = 0;
  let pairs = 0;
  for (const url of Object.values(stack.description.databaseUrls)) {
    const [row] = await rows<{ tenants: number; pairs: number; open: string | null }>(
      url,
      `WITH tenant AS (SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY ($1))
       SELECT (SELECT count(*)::int FROM tenant) AS tenants, count(*)::int AS pairs,
              min(a.name || ' → ' || b.name) FILTER (WHERE has_schema_privilege(a.name, b.name, 'USAGE, CREATE')) AS open
       FROM tenant a JOIN tenant b ON a.name <> b.name`,
      [names],
    );
    hold(row?.open === null, `a tenant's role may use another's schema: ${row?.open}`);
    found += row?.tenants ?? 0;
    pairs += row?.pairs ?? 0;
  }
  hold(found === orgs.length, `${found} of ${orgs.length} tenants have a schema`);
  return pairs;
}
