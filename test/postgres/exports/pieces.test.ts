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

beforeAll(async () => {
  kit = await createExportsKit();
  org = await kit.organisation();
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
        if (lost.ok && lost.value.part !== null) tries.push(pieceOf(lost.value.part));
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
