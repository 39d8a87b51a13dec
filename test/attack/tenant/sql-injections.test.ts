/** Every text of the corpus in every field, parameter and id of every route, as the owner of an organisation. */
import { beforeAll, describe, expect, it } from "vitest";
import { allDefinitions } from "../../../workers/studio/routes/definitions.ts";
import { operatorToken, type Sent } from "../../postgres/studio/harness.ts";
import { asSuperuser, connect } from "../../postgres/support.ts";
import { longForm } from "../../support/long-form.ts";
import { type AnyRoute, allRoutes, bodyOf, pathOf } from "../../support/route-inputs.ts";
import { canary, sqlInjections } from "./sql-injections.ts";
import { checksum } from "./support.ts";
import { controlChecksum, createWhole, type Organisation, type Whole } from "./whole-kit.ts";

let whole: Whole;
let attacker: Organisation;
let victim: Organisation;
let before: readonly unknown[];
const stateOf = async () => [
  await checksum(victim.tenant),
  await controlChecksum(victim.id),
  await asSuperuser(
    "SELECT md5(string_agg(u::text, '|' ORDER BY id)) AS users FROM control.users u WHERE id = ANY($1)",
    [[victim.owner.id, victim.viewer.id]],
  ),
];
const marks = async () => (await asSuperuser(`SELECT last_value, is_called FROM ${canary.sequence}`))[0];

beforeAll(async () => {
  await asSuperuser(`CREATE SCHEMA ${canary.schema}`);
  await asSuperuser(`CREATE SEQUENCE ${canary.sequence}`);
  await asSuperuser(`GRANT USAGE ON SCHEMA ${canary.schema} TO PUBLIC`);
  await asSuperuser(`GRANT USAGE ON SEQUENCE ${canary.sequence} TO PUBLIC`);
  whole = await createWhole();
  // On the placement of the control plane, where the canary is.
  attacker = await whole.organisation("first");
  victim = await whole.organisation("first");
  before = await stateOf();
});

/** Each call makes a schema: a few texts are enough. */
const dear = new Set(["createOrg"]);
/** What a member of staff may name, in the tenant's own schema and in the control plane. */
const kept = new Set(["renameGroup body.name", "createEnrollmentCode body.name", "changeIdentityProvider body.name"]);
const definitions = allDefinitions(() => ({}));
const served = allRoutes.filter(([, { servedBy }]) => servedBy === "studio");
/** Every so manieth text, of those that a schema lets through and of those that it refuses: primes, so that all take turns. */
const [takenStep, refusedStep] = longForm ? [23, 89] : [47, 181];
const every = (step: number, from = 0): string[] => sqlInjections.filter((_, index) => index % step === from % step);

interface Shot {
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, string>;
}
/** One place of a route that text goes into. `accepts`: the route's own schema lets it through to the handler. */
interface Place {
  readonly name: string;
  readonly field: string | null;
  readonly accepts: (text: string) => boolean;
  readonly shot: (text: string) => Shot;
}

function placesOf(route: AnyRoute): Place[] {
  const [name, { path }] = route;
  const definition = definitions.find((candidate) => candidate.name === name);
  const shape = (part: unknown): string[] => Object.keys((part as { shape?: object } | null)?.shape ?? {});
  const params = () => attacker.things;
  const body = bodyOf(route);
  const base = () => ({ path: pathOf(route, params()), body, headers: {} });
  const places: Place[] = [];
  for (const [, parameter] of path.matchAll(/\{(\w+)\}/g) as IterableIterator<[string, string]>) {
    places.push({
      name: `{${parameter}}`,
      field: null,
      // Every organisation is looked up by what stands there.
      accepts: (text) => parameter === "org" || definition?.params?.safeParse({ [parameter]: text }).success === true,
      shot: (text) => ({ ...base(), path: pathOf(route, { ...params(), [parameter]: encodeURIComponent(text) }) }),
    });
  }
  for (const field of [...shape(definition?.query), ...(route[1].method === "GET" ? ["sort", "filter"] : [])]) {
    places.push({
      name: `?${field}`,
      field: null,
      accepts: (text) => definition?.query?.safeParse({ [field]: text }).success === true,
      shot: (text) => ({ ...base(), path: `${base().path}?${field}=${encodeURIComponent(text)}` }),
    });
  }
  for (const [field, place] of textsOf(body)) {
    places.push({
      name: `body.${field}`,
      field,
      accepts: (text) => definition?.body?.safeParse(place(text)).success === true,
      shot: (text) => ({ ...base(), body: place(text) }),
    });
  }
  for (const header of ["Idempotency-Key", "User-Agent"]) {
    places.push({
      name: header,
      field: null,
      accepts: () => false,
      // A header holds no more than Latin-1.
      shot: (text) => ({ ...base(), headers: { [header]: text.replace(/[^\x20-\x7e]/g, "?") } }),
    });
  }
  return places;
}

/** Each field of a body with the function that puts a text there; a number's place and a new field among them. */
function textsOf(body: unknown): [string, (text: string) => unknown][] {
  if (typeof body !== "object" || body === null) return [];
  const fields = Object.entries(body).flatMap(([key, value]): [string, (text: string) => unknown][] => [
    [key, (text) => ({ ...body, [key]: text })],
    ...(Array.isArray(value)
      ? [[`${key}.0`, (text: string) => ({ ...body, [key]: [text] })] as [string, (text: string) => unknown]]
      : []),
    ...(value !== null && typeof value === "object" && !Array.isArray(value)
      ? textsOf({ ...value, text: "" }).map(([inner, put]): [string, (text: string) => unknown] => [
          `${key}.${inner}`,
          (text) => ({ ...body, [key]: put(text) }),
        ])
      : []),
  ]);
  return fields;
}

async function fire(route: AnyRoute, shot: Shot): Promise<Sent> {
  const [, { method, policy }] = route;
  const token = policy.kind === "operator" ? operatorToken : attacker.owner.token;
  return whole.send(method, shot.path, {
    ...(policy.kind === "public" ? {} : { token }),
    headers: shot.headers,
    ...(shot.body === undefined ? {} : { body: shot.body }),
  });
}

/** Routes that would end the attacker's own sessions or things for good: what is not refused at their door is. */
const suicidal = new Set(["endOtherSessions", "logout", "orgLogout", "endMySession", "rotateKeys", "removeTotp"]);

describe("a text that would do something if it were read as SQL", () => {
  const counts = { sent: 0, taken: 0, stored: 0 };

  it("is one of at least two hundred, and each is worth sending", () => {
    expect(sqlInjections.length).toBeGreaterThanOrEqual(200);
    expect(sqlInjections.filter((text) => text.length > 100 || text.trim() !== text)).toEqual([]);
  });

  it("comes back from the tables as it was sent", async () => {
    const at = `/api/v1/orgs/${attacker.id}`;
    const device = `${at}/devices/${attacker.things["device"]}`;
    const token = attacker.owner.token;
    for (const text of sqlInjections) {
      const renamed = await whole.send("PATCH", device, { token, body: { name: text } });
      expect([text, renamed.status]).toEqual([text, 200]);
      // Read back from the row by the same statement.
      expect(renamed.body.name).toBe(text);
    }
    const sent = await whole.send("POST", `${device}/commands`, {
      token,
      body: { name: "ping", args: { "'": sqlInjections } },
    });
    expect([sent.status, sent.body.code]).toEqual([422, "invalid_request"]);
    const some = sqlInjections.slice(0, 80);
    const made = await whole.send("POST", `${device}/commands`, {
      token,
      body: { name: "ping", args: { "' --": some } },
    });
    expect(made.status).toBe(202);
    const listed = await whole.send("GET", `${device}/commands?limit=200`, { token });
    const stored = listed.body.items.find(({ id }: { id: string }) => id === made.body.id);
    expect(stored.args).toEqual({ "' --": some });
  });

  it.each(served.filter(([name]) => !suicidal.has(name)))(
    "%s takes as text or refuses, wherever it stands",
    async (...route) => {
      const [name] = route;
      for (const [index, place] of placesOf(route).entries()) {
        // What a schema refuses reaches no handler, so a few show the refusal. Where each place is given
        // another part of the corpus, over all routes each text meets every kind of place many times; the
        // fields below that are stored as they come are given all of it.
        const whole = kept.has(`${name} ${place.name}`);
        const taken = every(whole ? 1 : dear.has(name) ? 60 : takenStep, index + name.length).filter(place.accepts);
        const refused = every(refusedStep, index + name.length).filter((text) => !place.accepts(text));
        for (const text of [...taken, ...refused]) {
          const answer = await fire(route, place.shot(text));
          counts.sent += 1;
          expect([place.name, text, answer.status, answer.body?.code]).toEqual([
            place.name,
            text,
            expect.toSatisfy((status: number) => status < 500),
            answer.body?.code,
          ]);
          if (!place.accepts(text) || answer.status >= 300) continue;
          counts.taken += 1;
          const { field } = place;
          const shown = field === null ? undefined : answer.body?.[field];
          if (typeof shown !== "string") continue;
          counts.stored += 1;
          expect(shown).toBe(field === "email" ? text.toLowerCase() : text);
        }
      }
    },
  );

  it("was sent often enough to mean something", () => {
    expect(counts.sent).toBeGreaterThan(2_000);
    expect(counts.taken).toBeGreaterThan(1_000);
    expect(counts.stored).toBeGreaterThan(900);
  });

  it("has changed nothing of another organisation's in the same database", async () => {
    expect(await stateOf()).toEqual(before);
  });

  it("never ran: no number was taken, which no rollback would give back, and nobody sleeps", async () => {
    expect(await marks()).toEqual({ last_value: "1", is_called: false });
    const sleeping = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ~ '3600'";
    expect(await asSuperuser(sleeping)).toEqual([{ n: 0 }]);
  });

  it("would have left its mark: each role that studio or a tenant works as can take one, and a rollback keeps it", async () => {
    const client = await connect(attacker.tenant.url);
    await client.query("BEGIN");
    await client.query(`SELECT nextval('${canary.sequence}')`);
    await client.query("ROLLBACK");
    await client.end();
    expect(await marks()).toEqual({ last_value: "1", is_called: true });
  });
});
