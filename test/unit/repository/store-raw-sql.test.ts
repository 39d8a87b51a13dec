import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { identifier } from "../../../store/identifier.ts";

/**
 * Text that goes into SQL as it stands, file by file: what it is, and why it can be nothing else. A new
 * place is a decision (docs/adr/0016-typed-sql.md), so it is made here too.
 */
const allowed: Readonly<Record<string, { readonly places: number; readonly text: string }>> = {
  "store/identifier.ts": {
    places: 1,
    text: "a name that was checked in the line before to need no quotes: of a catalogue, or of a list beside its caller",
  },
  "workers/data/provisioner/drop-tenant.ts": {
    places: 3,
    text: "a TenantIdentifier",
  },
  "workers/data/provisioner/moving/mark.ts": {
    places: 3,
    text: "a TenantIdentifier, and constants beside it",
  },
  "workers/data/provisioner/rights/restore.ts": {
    places: 1,
    text: "statements that were read from a schema made by migrations/tenant, with a TenantIdentifier in their placeholders",
  },
  "workers/data/provisioner/tenant-role.ts": {
    places: 9,
    text: "a TenantIdentifier, constants beside it, and the derived password, whose 43 characters are checked there",
  },
  "workers/data/provisioner/tenant-schema.ts": {
    places: 3,
    text: "a TenantIdentifier, and files of migrations/tenant with their numbers and checksums, checked there",
  },
};

const shipped = ["agent", "core", "durable-objects", "scripts", "store", "workers"];
const sources = shipped.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ts|tsx|mjs|js)$/.test(name) && !/(?:^|\/)(?:node_modules|dist)\//.test(name))
    .map((name) => `${folder}/${name}`),
);
const textOf = (path: string): string => readFileSync(path, "utf8");

describe("raw SQL in what is shipped", () => {
  it("stands in the listed places and in no other", () => {
    const found = sources
      .filter((path) => path !== "store/statement.ts")
      .map((path) => [path, textOf(path).match(/\bunsafeRawSql\(/g)?.length ?? 0] as const)
      .filter(([, places]) => places > 0);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(Object.entries(allowed).map(([path, { places }]) => [path, places])),
    );
  });

  it("is known by its own name wherever it is imported: no other name hides it", () => {
    const renamed = sources.filter((path) => /\bunsafeRawSql\s+as\b|[=:]\s*unsafeRawSql\b(?!\()/.test(textOf(path)));
    expect(renamed).toEqual([]);
  });

  it("can't be made another way: Statement is built by the tag alone, and the tag is called as one", () => {
    const direct = sources.filter(
      (path) =>
        path !== "store/statement.ts" &&
        (/\bnew Statement\(/.test(textOf(path)) ||
          (/import[^;]*\bsql\b[^;]*\/(?:connect|statement)\.ts"/.test(textOf(path)) && /\bsql\(/.test(textOf(path)))),
    );
    expect(direct).toEqual([]);
  });

  it("is in none of the files that a request's own values reach", () => {
    const reached = Object.keys(allowed).filter((path) => !path.startsWith("workers/data/provisioner/"));
    expect(reached).toEqual(["store/identifier.ts"]);
    // Names that can't be parameters are a backup's, which reads whatever tables the catalogue has; nobody else's.
    const callers = sources.filter((path) => /\bidentifier\(|\(identifier\)/.test(textOf(path)));
    expect(callers.filter((path) => path !== "store/identifier.ts").toSorted()).toEqual([
      "store/control/backup-rows.ts",
      "store/copy-line.ts",
      "store/tenant/backup-catalogue.ts",
      "store/tenant/backup-snapshot.ts",
    ]);
  });

  it("takes no name that would have to be quoted", () => {
    for (const name of ["", "A", 'a"', "a b", "a;--", "é", "1a", "a".repeat(64)])
      expect(() => identifier(name)).toThrow("not one of ours");
    expect(identifier("telemetry_y2026").text).toBe("telemetry_y2026");
  });
});
