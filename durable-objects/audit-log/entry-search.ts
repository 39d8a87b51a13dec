import type { FacetName } from "../../core/audit/facets.ts";
import type { AuditFilter } from "../../core/rpc/durable-objects.ts";

/**
 * Entries that one page may look at. Whatever is asked for together, however rare, a page costs the log no more
 * than this, for the log answers nobody else meanwhile; a page that finds less than it may says where to go on.
 * docs/benchmarks.md has what it costs at ten million entries.
 */
export const scannedMax = 10_000;

/** One page of entries, by their numbers. */
export interface FoundPage {
  /** Newest first; fewer than asked for, or none, when the page looked at all it may. */
  readonly seqs: readonly number[];
  /** Where the next page begins; null when there is nothing before. */
  readonly nextBeforeSeq: number | null;
}

/** What stands in indexes for those whom a filter names: no index holds a person's identifier or an address. */
export interface IndexNames {
  /** Of a person or a device: one name, or two while the log still holds entries from before they were sealed. */
  who(id: string): readonly string[];
  /** Of an address; `plain` while the log still holds entries from before they were sealed. */
  address(address: string): { readonly tag: string; readonly plain: string | null };
}

type Value = string | number;
/** One thing that is asked for: an index to walk, and how a row of another is asked. */
interface Condition {
  /** Rows of the index, newest first: FROM and WHERE, which name the entry's number `seq`. */
  readonly walk: string;
  /** The same of a row `e` of entries. */
  readonly test: string;
  readonly values: readonly Value[];
}

const column = (name: "type" | "actor" | "target", values: readonly Value[]): Condition => {
  const is = values.length === 1 ? "= ?" : `IN (${values.map(() => "?").join()})`;
  return { walk: `entries INDEXED BY entries_by_${name} WHERE ${name} ${is}`, test: `e.${name} ${is}`, values };
};
const facet = (name: FacetName, value: Value): Condition => ({
  walk: `facets WHERE facet = '${name}' AND value = ?`,
  test: `EXISTS (SELECT 1 FROM facets f WHERE f.facet = '${name}' AND f.value = ? AND f.seq = e.seq)`,
  values: [value],
});
/** An address counts for as long as whoever it belongs to has a key. */
const tagged = "addresses a WHERE a.tag = ? AND EXISTS (SELECT 1 FROM subjects s WHERE s.subject = a.subject)";
const address = ({ tag, plain }: { readonly tag: string; readonly plain: string | null }): Condition => {
  const isTagged = `EXISTS (SELECT 1 FROM ${tagged} AND a.seq = e.seq)`;
  if (plain === null) return { walk: tagged, test: isTagged, values: [tag] };
  const before = "facets f WHERE f.facet = 'address' AND f.value = ?";
  return {
    walk: `(SELECT a.seq FROM ${tagged} UNION ALL SELECT f.seq FROM ${before}) WHERE 1 = 1`,
    test: `(${isTagged} OR EXISTS (SELECT 1 FROM ${before} AND f.seq = e.seq))`,
    values: [tag, plain],
  };
};

/**
 * Finds entries. Time is no index: numbers and times rise together, so a range of time is a range of numbers. Of
 * several conditions the one that is rarest by its nature is walked, and the others are asked of each of its rows.
 */
export class EntrySearch {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  page(filter: AuditFilter, names: IndexNames): FoundPage {
    const from = filter.fromMs === null ? 1 : this.firstAt(filter.fromMs);
    const until = filter.toMs === null ? Number.MAX_SAFE_INTEGER : this.firstAt(filter.toMs + 1);
    const before = Math.min(filter.beforeSeq ?? Number.MAX_SAFE_INTEGER, until);
    const [walked, ...asked] = conditionsOf(filter, names);
    const { walk, values } = walked ?? { walk: "entries WHERE 1 = ?", values: [1] };
    // One condition alone: every row that is looked at is found.
    const floor = asked.length === 0 ? null : this.#floor(walk, values, from, before);
    const tests = asked.map(({ test }) => ` AND ${test}`).join("");
    const rows = this.#sql.exec<{ seq: number }>(
      `SELECT w.seq FROM (SELECT seq FROM ${walk} AND seq >= ? AND seq < ?) w
       CROSS JOIN entries e ON e.seq = w.seq WHERE 1 = 1${tests} ORDER BY w.seq DESC LIMIT ?`,
      ...values,
      ...[floor ?? from, before, ...asked.flatMap((condition) => condition.values), filter.limit + 1],
    );
    const found = [...rows].map(({ seq }) => seq);
    const seqs = found.slice(0, filter.limit);
    if (found.length > seqs.length) return { seqs, nextBeforeSeq: seqs.at(-1) ?? null };
    return { seqs, nextBeforeSeq: floor };
  }

  /** The last entry that a page may look at, when there are more behind it; else null. */
  #floor(walk: string, values: readonly Value[], from: number, before: number): number | null {
    const query = `SELECT seq FROM ${walk} AND seq >= ? AND seq < ? ORDER BY seq DESC LIMIT 1 OFFSET ?`;
    const behind = this.#sql.exec<{ seq: number }>(query, ...values, from, before, scannedMax).toArray()[0];
    return behind === undefined ? null : behind.seq + 1;
  }

  /** The first entry of this time or later; one past the last when there is none. Some 24 look-ups in ten million. */
  firstAt(ms: number): number {
    // Two queries: asked for both ends at once, SQLite would read every row.
    const query = `SELECT (SELECT coalesce(min(seq), 1) FROM entries) AS first,
      (SELECT coalesce(max(seq), 0) + 1 FROM entries) AS next`;
    const { first, next } = this.#sql.exec<{ first: number; next: number }>(query).one();
    let [low, high] = [first, next];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const { at_ms } = this.#sql.exec<{ at_ms: number }>("SELECT at_ms FROM entries WHERE seq = ?", middle).one();
      if (at_ms < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is asked for, the rarest by its nature first. */
function conditionsOf(filter: AuditFilter, names: IndexNames): Condition[] {
  const { type, actor, outcome = null } = filter;
  const given = (name: FacetName): Condition[] => {
    const value = filter[name] ?? null;
    return value === null ? [] : [facet(name, value)];
  };
  const { target = null, address: from = null } = filter;
  // Most of what happens succeeds, so a type says more than that; less than that something did not.
  const byOutcome = given("outcome");
  const byType = type === null ? [] : [column("type", [type])];
  return [
    ...given("document"),
    ...(target === null ? [] : [column("target", names.who(target))]),
    ...(from === null ? [] : [address(names.address(from))]),
    ...(actor === null ? [] : [column("actor", names.who(actor))]),
    ...(outcome === "success" ? [...byType, ...given("country"), ...byOutcome] : []),
    ...(outcome === "success" ? [] : [...byOutcome, ...given("country"), ...byType]),
  ];
}
