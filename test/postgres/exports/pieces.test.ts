/** Whoever can write an export's row, but has no key: what they make of its pieces opens nothing. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ExportId } from "../../../core/ids.ts";
import type { ExportPart } from "../../../core/rpc/exports.ts";
import { sql } from "../../../store/connect.ts";
import { runExport } from "../../../workers/studio/exports/run.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { asSuperuser } from "../support.ts";
import { createExportsKit, type ExportsKit, type Wanted } from "./kit.ts";

let kit: ExportsKit;
let org: Organisation;
const inventory: Wanted = { source: "inventory", format: "csv" };
/** Another owner. */
let second: string;

beforeAll(async () => {
  kit = await createExportsKit();
  org = await kit.organisation();
  second = (await kit.newMember(org, "owner")).id;
  // Two full steps and the beginning of a third (sources/inventory.ts).
  await org.tenant.run(
    "system",
    null,
    sql`INSERT INTO devices (id, name, platform, token_sha256, enrollment_code_id, enrolled_at)
      SELECT 'dev_' || lpad(n::text, 26, '0'), 'pc ' || n, 'linux', encode(sha256(n::text::bytea), 'hex'),
        (SELECT min(id) FROM enrollment_codes), now() - interval '1 hour'
      FROM generate_series(1, 10001) AS n`,
  );
}, 180_000);
beforeEach(() => {
  kit.clock.nowMs = Date.now();
});

interface Piece {
  readonly o: string;
  readonly b: number;
}
const pieceOf = ({ object, bytes }: ExportPart): Piece => ({ o: object, b: bytes });
const piecesOf = async (id: ExportId): Promise<Piece[]> =>
  (await asSuperuser("SELECT parts FROM control.exports WHERE id = $1", [id]))[0]?.["parts"] as Piece[];
/** Writes another list into the row, as its key lies there. */
const write = (id: ExportId, pieces: readonly (Piece | undefined)[]): Promise<unknown> =>
  asSuperuser("UPDATE control.exports SET parts = $2::text::jsonb WHERE id = $1", [id, JSON.stringify(pieces)]);
const opens = (id: ExportId): Promise<boolean> =>
  kit.openResult(org, id).then(
    () => true,
    () => false,
  );
const made = async (wanted: Wanted, exports: Partial<Services["exports"]> = {}): Promise<ExportId> => {
  const id = await kit.begin(org, org.owner, wanted);
  const { services } = kit.studio;
  await runExport({ ...services, exports: { ...services.exports, ...exports } }, id);
  expect((await kit.show(org, org.owner, id)).state).toBe("done");
  return id;
};

describe("the pieces of an export", () => {
  it("open in their order alone: not another way round, not without one, not with one twice, not without any", async () => {
    const id = await made(inventory);
    const pieces = await piecesOf(id);
    const [one, two, three] = pieces;
    expect(pieces).toHaveLength(3);
    const lists: [string, (Piece | undefined)[]][] = [
      ["another way round", [two, one, three]],
      ["the last ones exchanged", [one, three, two]],
      ["without the first", [two, three]],
      ["without one in the midst", [one, three]],
      ["without the last", [one, two]],
      ["the first alone", [one]],
      ["the last alone", [three]],
      ["one twice", [one, one, two, three]],
      ["the last twice", [one, two, three, three]],
      ["one in another's stead", [one, one, three]],
      ["none", []],
    ];
    for (const [what, list] of lists) {
      await write(id, list);
      expect([what, await opens(id)]).toEqual([what, false]);
    }
    await write(id, pieces);
    expect(await opens(id)).toBe(true);
  });

  it("take no other try at the same step in among them", async () => {
    const tries: Piece[] = [];
    const { exports } = kit.studio.services;
    const id = await made(inventory, {
      step: async (call, order) => {
        if (order.part !== 2) return exports.step(call, order);
        const { caller } = kit.studio.services;
        const again = await caller.asJob("capabilities.exports", "run_exports", org.id, newId("request"));
        const lost = await exports.step(again, order);
        if (lost.ok) tries.push(...lost.value.parts.map(pieceOf));
        return exports.step(call, order);
      },
    });
    const [one, , three] = await piecesOf(id);
    expect(tries).toHaveLength(1);
    await write(id, [one, ...tries, three]);
    expect(await opens(id)).toBe(false);
  });

  it("of a result of nothing can't be made of nothing, nor of another's end", async () => {
    const { exports } = kit.studio.services;
    const empty = await made(
      { source: "telemetry", format: "jsonl", from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" },
      exports,
    );
    const [nothing] = await piecesOf(empty);
    expect([nothing?.b, await opens(empty)]).toEqual([0, true]);
    const id = await made(inventory);
    await write(id, [{ o: nothing?.o ?? "", b: 0 }]);
    expect(await opens(id)).toBe(false);
    await write(empty, []);
    expect(await opens(empty)).toBe(false);
  });

  it("of a sheet are not the rows that it was made of", async () => {
    let rows: Piece[] = [];
    const { exports } = kit.studio.services;
    const id = await made(
      { source: "inventory", format: "xlsx" },
      {
        assemble: (call, order) => {
          rows = order.parts.map(pieceOf);
          return exports.assemble(call, order);
        },
      },
    );
    expect([rows.length, await opens(id)]).toEqual([3, true]);
    await write(id, rows);
    expect(await opens(id)).toBe(false);
  });
});

describe("the row of an export that is under way", () => {
  /** One step is done; then the row says something else, and somebody goes on. */
  async function goneOnWith(change: string, given: readonly unknown[] = []): Promise<unknown> {
    const id = await kit.begin(org, org.owner, inventory);
    const { services } = kit.studio;
    const dies: Services = {
      ...services,
      exports: {
        ...services.exports,
        step: (call, order) =>
          order.part === 1 ? services.exports.step(call, order) : Promise.reject(new Error("killed")),
      },
    };
    await expect(runExport(dies, id)).rejects.toThrow("killed");
    await asSuperuser(
      `UPDATE control.exports SET claimed_until = NULL${change === "" ? "" : `, ${change}`} WHERE id = $1`,
      [id, ...given],
    );
    await runExport(services, id);
    const { state, failure } = await kit.show(org, org.owner, id);
    return [state, failure];
  }

  it("is gone on with as it is", async () => {
    expect(await goneOnWith("")).toEqual(["done", null]);
  });

  it.each<[string, string, () => unknown[]]>([
    ["another source", "source = 'documents'", () => []],
    ["another format", "format = 'jsonl'", () => []],
    ["other things of it", `spec = spec || '{"from": 1}'`, () => []],
    ["somebody else who asked, though a member in that role", "requested_by = $2", () => [second]],
    ["no place to go on from", "cursor = NULL", () => []],
    ["a place that nobody wrote", "cursor = $2", () => [`dev_${"0".repeat(26)}`]],
    ["another place with the same proof", "cursor = left(cursor, 44) || $2", () => [`dev_${"0".repeat(26)}`]],
  ])("reads no row when it says %s", async (_, change, given) => {
    expect(await goneOnWith(change, given())).toEqual(["failed", "gave_up"]);
  });

  it("can't be given the place of another export, nor an earlier one of its own", async () => {
    const places: string[] = [];
    const { exports } = kit.studio.services;
    await made(inventory, {
      step: (call, order) => {
        if (order.cursor !== null) places.push(order.cursor);
        return exports.step(call, order);
      },
    });
    expect(places).toHaveLength(2);
    for (const place of places) expect(await goneOnWith("cursor = $2", [place])).toEqual(["failed", "gave_up"]);
  });

  it("is done, and opens nothing any more once it says that it is something else", async () => {
    const id = await made(inventory);
    const status = async (): Promise<number> => (await kit.download(org, org.owner, id)).status;
    expect(await status()).toBe(200);
    await asSuperuser("UPDATE control.exports SET spec = spec || '{\"to\": 5}' WHERE id = $1", [id]);
    expect(await status()).toBe(422);
    await asSuperuser("UPDATE control.exports SET spec = spec || '{\"to\": null}' WHERE id = $1", [id]);
    expect(await status()).toBe(200);
  });
});
