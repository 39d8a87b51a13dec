/** As the owner of one organisation, through every route, towards another organisation in the same database. */
import { createHmac, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../../core/routes.ts";
import { allDefinitions } from "../../../workers/studio/routes/definitions.ts";
import type { Account, Sent } from "../../postgres/studio/harness.ts";
import {
  type AnyRoute,
  allRoutes,
  bodyOf,
  inventedThings,
  type Params,
  pathOf,
  thingNames,
} from "../../support/route-inputs.ts";
import { checksum } from "./support.ts";
import { controlChecksum, createWhole, type Organisation, type Whole } from "./whole-kit.ts";

let whole: Whole;
let mine: Organisation;
let theirs: Organisation;
let before: readonly string[];
const stateOf = async (org: Organisation) => [await checksum(org.tenant), await controlChecksum(org.id)];
beforeAll(async () => {
  whole = await createWhole();
  mine = await whole.organisation();
  theirs = await whole.organisation(mine.tenant.placement);
  before = await stateOf(theirs);
});

const send = (route: AnyRoute, params: Params, by: Account, query = ""): Promise<Sent> => {
  const body = bodyOf(route);
  const path = `${pathOf(route, params)}${query}`;
  return whole.send(route[1].method, path, { token: by.token, ...(body === undefined ? {} : { body }) });
};
const without = ({ status, body }: Sent) => [status, { ...body, request_id: null }];
const guarded = allRoutes.filter(([, { policy, servedBy }]) => servedBy === "studio" && policy.kind === "permission");
const named = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
const naming = guarded.filter(([, { path }]) => named(path).some((name) => thingNames.includes(name)));

describe("another organisation's thing, under one's own organisation's address", () => {
  it.each(naming)("%s answers as for one that does not exist", async (...route) => {
    for (const name of named(route[1].path).filter((parameter) => thingNames.includes(parameter))) {
      const foreign = await send(route, { ...mine.things, [name]: theirs.things[name] as string }, mine.owner);
      const invented = await send(route, { ...mine.things, [name]: inventedThings()[name] as string }, mine.owner);
      expect(without(foreign)).toEqual(without(invented));
      expect(JSON.stringify(foreign.body ?? "")).not.toContain(theirs.things[name]);
    }
  });
});

describe("another organisation's address", () => {
  it.each(guarded)("%s answers as for one that does not exist, by id and by slug", async (...route) => {
    const nowhere = await send(route, { ...theirs.things, org: "org_01h455vb4pex5vsknk084sn02q" }, mine.owner);
    for (const org of [theirs.id, theirs.slug, theirs.slug.toUpperCase()]) {
      const answer = await send(route, { ...theirs.things, org }, mine.owner);
      expect(without(answer)).toEqual(without(nowhere));
      expect(answer.status).toBe(404);
    }
  });
});

describe("a cursor", () => {
  const taking = (field: string) =>
    allDefinitions(() => ({})).flatMap(({ name, query }) =>
      field in ((query as { shape?: object } | null)?.shape ?? {}) ? [[name, routes[name]] as AnyRoute] : [],
    );
  /** Lists; whatever else takes a cursor goes on with a whole of its own. */
  const paged = taking("cursor").filter(([name]) => taking("limit").some(([other]) => other === name));
  const unpaged = taking("cursor").filter(([name]) => !paged.some(([other]) => other === name));
  const first = async (route: AnyRoute, org: Organisation): Promise<string> => {
    const page = await send(route, org.things, org.owner, "?limit=1");
    expect([page.status, page.body.next_cursor]).toEqual([200, expect.any(String)]);
    return page.body.next_cursor;
  };
  const refused = async (route: AnyRoute, cursor: string, by = mine) => {
    const answer = await send(route, by.things, by.owner, `?limit=1&cursor=${encodeURIComponent(cursor)}`);
    expect([cursor, answer.status, answer.body.code]).toEqual([cursor, 400, "invalid_cursor"]);
  };

  it("is there for every list that has pages", () => {
    expect(paged.length).toBeGreaterThanOrEqual(9);
  });

  it.each(paged)("%s goes on with its own", async (...route) => {
    const own = await first(route, mine);
    const next = await send(route, mine.things, mine.owner, `?limit=1&cursor=${encodeURIComponent(own)}`);
    expect([next.status, next.body.items.length]).toEqual([200, 1]);
  });

  it.each(paged)("%s refuses that of another organisation or person, and of every other list", async (...route) => {
    await refused(route, await first(route, theirs));
    for (const other of paged) if (other[0] !== route[0]) await refused(route, await first(other, mine));
  });

  it("of a list is refused by whatever else takes one", async () => {
    expect(unpaged.map(([name]) => name)).toEqual(["exportAudit"]);
    for (const route of unpaged) {
      for (const list of paged) {
        const cursor = encodeURIComponent(await first(list, mine));
        const answer = await send(route, mine.things, mine.owner, `?cursor=${cursor}`);
        expect([list[0], answer.status, answer.body.code]).toEqual([list[0], 400, "invalid_cursor"]);
      }
    }
  });

  it.each(paged)("%s refuses one that was cut, changed, spliced or signed with a guessed key", async (...route) => {
    const [own, foreign] = [await first(route, mine), await first(route, theirs)];
    const [position, tag] = own.split(".") as [string, string];
    const [theirPosition, theirTag] = foreign.split(".") as [string, string];
    const plain = Buffer.from(position, "base64url").toString();
    const guesses = ["", "secret", "CURSOR_KEY", "\0".repeat(32), randomBytes(32).toString("latin1")].map((key) =>
      createHmac("sha256", Buffer.from(key, "latin1"))
        .update(["cursor", route[0], theirs.id, plain].join("\0"))
        .digest(),
    );
    for (const cursor of [
      position,
      `${position}.`,
      `.${tag}`,
      `${position}.${tag.slice(0, -2)}`,
      `${position}.${tag}AA`,
      `${position}.${tag}.${tag}`,
      `${position.slice(0, -2)}.${tag}`,
      `${theirPosition}.${tag === theirTag ? "" : tag}`,
      `${Buffer.from(`${plain}'`).toString("base64url")}.${tag}`,
      ...guesses.map((guess) => `${theirPosition}.${guess.subarray(0, 16).toString("base64url")}`),
    ]) {
      await refused(route, cursor);
    }
  });

  it("of one device's commands is refused for another's", async () => {
    const route = paged.find(([name]) => name === "listCommands") as AnyRoute;
    const devices = await whole.send("GET", `/api/v1/orgs/${mine.id}/devices`, { token: mine.owner.token });
    const another = devices.body.items.find(({ id }: { id: string }) => id !== mine.things["device"]).id;
    const cursor = await first(route, mine);
    const answer = await send(route, { ...mine.things, device: another }, mine.owner, `?cursor=${cursor}`);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_cursor"]);
  });
});

describe("after all of that", () => {
  it("the other organisation is to the last byte what it was", async () => {
    expect(await stateOf(theirs)).toEqual(before);
  });

  it("and its checksum is one that a single changed row, right or policy would change", async () => {
    const group = { token: theirs.owner.token, body: { name: "changed" } };
    await whole.send("PATCH", `/api/v1/orgs/${theirs.id}/groups/${theirs.things["group"]}`, group);
    const [tenant, control] = await stateOf(theirs);
    expect(tenant).not.toBe(before[0]);
    const policy = { token: theirs.owner.token, body: { countries: ["IN", "NP"] } };
    expect((await whole.send("PUT", `/api/v1/orgs/${theirs.id}/policies/geo`, policy)).status).toBe(200);
    expect((await stateOf(theirs))[1]).not.toBe(control);
  });
});
