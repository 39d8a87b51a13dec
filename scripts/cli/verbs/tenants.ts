import { fourDigits } from "../../migrate/files.ts";
import { readSnapshot } from "../database.ts";
import { placementUrls } from "../placements.ts";
import { stateFlag, type Verb } from "../verb.ts";

interface Row {
  readonly org: string;
  readonly slug: string | null;
  readonly placement: string | null;
  readonly version: number | null;
  readonly ready: boolean;
}

export const tenants: Verb = {
  name: "tenants",
  summary: "Lists every organisation with its slug, placement and schema version",
  details: "Without --state it reads the control database of DATABASE_URLS where that is set.",
  flags: { state: stateFlag },
  async run(flags, print) {
    const [control] = placementUrls(flags["state"]);
    const rows = await readSnapshot(control.name, control.url, async (client) => {
      // Both sides: a placement whose organisation is not there, and the other way round, are worth seeing.
      const { rows: found } = await client.query<Row>(
        `SELECT coalesce(o.id, p.org_id) AS org, o.slug, p.placement, m.number AS version, p.ready_at IS NOT NULL AS ready
         FROM control.organisations o
         FULL JOIN control.organisation_placements p ON p.org_id = o.id
         LEFT JOIN control.tenant_migrations m ON m.org_id = p.org_id
         ORDER BY 1`,
      );
      return found;
    });
    const cells = rows.map((row) => [
      row.org,
      row.slug ?? "(no organisation)",
      row.placement ?? "(none)",
      row.version === null ? "–" : fourDigits(row.version),
      row.ready ? "" : "not ready",
    ]);
    for (const line of table([["organisation", "slug", "placement", "schema", ""], ...cells])) print(line);
    return 0;
  },
};

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
