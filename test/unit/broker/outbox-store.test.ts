import { describe, expect, it } from "vitest";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { OutboxStore } from "../../../durable-objects/tenant-hub/outbox-store.ts";
import { HubStorage } from "../../../durable-objects/tenant-hub/storage.ts";
import { NodeSql } from "./node-sql.ts";

class Scene {
  readonly sql = new NodeSql();
  readonly store = new OutboxStore(this.sql as never);

  constructor() {
    new HubStorage(this.sql as never, this.sql.transaction);
  }

  append(...names: string[]): void {
    this.store.append(names.map((name) => ({ json: JSON.stringify({ name }), bytes: 100 + name.length })));
  }

  /** `name@seq` of every record, in order. */
  all(recordsMax = 1000, bytesMax = Number.POSITIVE_INFINITY): string[] {
    return this.store.peek(recordsMax, bytesMax).map(({ seq, record }) => `${nameOf(record)}@${seq}`);
  }

  remove(...names: string[]): void {
    const rows = this.store.peek(1000, Number.POSITIVE_INFINITY);
    this.store.remove(rows.filter(({ record }) => names.includes(nameOf(record))));
  }
}

const nameOf = (record: IngestRecord): string => (record as unknown as { name: string }).name;

describe("the stored outbox", () => {
  it("keeps the records of a tick in one row, each with its own number and weight", () => {
    const scene = new Scene();
    scene.append("a", "bb", "line\nbreak");
    scene.append("c");
    expect(scene.sql.rows("SELECT seq, bytes FROM outbox ORDER BY seq")).toEqual([
      { seq: 3, bytes: 101 + 102 + 110 },
      { seq: 4, bytes: 101 },
    ]);
    expect(scene.all()).toEqual(["a@1", "bb@2", "line\nbreak@3", "c@4"]);
    expect(scene.store.peek(9, 1e9).map(({ bytes }) => bytes)).toEqual([101, 102, 110, 101]);
  });

  it("hands out at most so many records and bytes, across rows, and at least one", () => {
    const scene = new Scene();
    scene.append("a", "b", "c");
    scene.append("d", "e");
    expect(scene.all(4)).toEqual(["a@1", "b@2", "c@3", "d@4"]);
    expect(scene.all(2)).toEqual(["a@1", "b@2"]);
    expect(scene.all(9, 303)).toEqual(["a@1", "b@2", "c@3"]);
    expect(scene.all(9, 302)).toEqual(["a@1", "b@2"]);
    expect(scene.all(9, 1)).toEqual(["a@1"]);
  });

  it("removes what it handed out wherever that stands in a row, and nothing twice", () => {
    const scene = new Scene();
    scene.append("a", "b", "c", "d", "e");
    scene.append("f", "g");
    const rows = scene.store.peek(9, 1e9);
    scene.remove("c", "f");
    expect(scene.all()).toEqual(["a@1", "b@2", "d@4", "e@5", "g@7"]);
    scene.store.remove(rows.slice(2, 3));
    expect(scene.all()).toEqual(["a@1", "b@2", "d@4", "e@5", "g@7"]);
    expect(scene.sql.rows("SELECT sum(bytes) AS bytes FROM outbox")).toEqual([{ bytes: 505 }]);
    scene.remove("a", "b", "d", "e", "g");
    expect([scene.store.isEmpty, scene.sql.count("outbox")]).toEqual([true, 0]);
  });

  it("never uses a number twice, not even when it was emptied and the object began again", () => {
    const scene = new Scene();
    scene.append("a", "b", "c");
    scene.remove("c");
    scene.append("d");
    scene.remove("a", "b", "d");
    new OutboxStore(scene.sql as never).append([{ json: '{"name":"e"}', bytes: 1 }]);
    expect(scene.all()).toEqual(["e@5"]);
  });

  it("sets one record of a row aside and keeps the others", () => {
    const scene = new Scene();
    scene.append("a", "poison", "c");
    const [, poison] = scene.store.peek(9, 1e9);
    scene.store.park(poison!, 1234);
    expect(scene.all()).toEqual(["a@1", "c@3"]);
    expect(scene.sql.rows("SELECT * FROM outbox_parked")).toEqual([
      { seq: 2, record: '{"name":"poison"}', parked_at_ms: 1234 },
    ]);
    scene.store.park(poison!, 1235);
    expect(scene.sql.count("outbox_parked")).toBe(1);
  });

  it("splits a tick that is larger than a value may be", () => {
    const scene = new Scene();
    const names = Array.from({ length: 300 }, (_, n) => `${n}`.padStart(16_000, "設"));
    scene.append(...names);
    const sizes = scene.sql
      .rows("SELECT length(CAST(record AS BLOB)) AS size FROM outbox")
      .map(({ size }) => Number(size));
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThan(2_000_000);
    expect(scene.all()).toEqual(names.map((name, n) => `${name}@${n + 1}`));
  });
});
