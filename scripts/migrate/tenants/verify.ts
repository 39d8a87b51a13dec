/** Compares the schema of every tenant with what its version is on record as: nobody alters one by hand unseen. */
import { createHash } from "node:crypto";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import type { PlacementUrl } from "../database-urls.ts";
import { hashSchemas } from "../schema/describe.ts";
import { type SchemaDifference, schemaDifference } from "../schema/difference.ts";
import { readDump } from "../schema/dumps.ts";
import { describeTenant, tenantPlaceholder } from "../schema/versions.ts";
import { PlacementConnections, readAsProvisioner } from "./connections.ts";
import { type BlockedTenant, type PlannedTenant, planTenants } from "./plan.ts";

/** Schemas hashed by one statement: some 10 ms each, and the catalogue's lines of so many fit into memory. */
const hashedAtOnce = 25;

export interface DriftedTenant extends PlannedTenant {
  readonly difference: SchemaDifference;
}

export interface Verification {
  /** Tenants whose schema is what it should be. */
  readonly same: number;
  readonly drifted: readonly DriftedTenant[];
  /** Their history itself is not ours, so there is nothing to compare with. */
  readonly blocked: readonly BlockedTenant[];
}

/** @param onEach after each tenant, with how many of how many */
export async function verifyTenants(
  placements: readonly [PlacementUrl, ...PlacementUrl[]],
  migrations: readonly TenantMigration[],
  onEach: (done: number, all: number) => void = () => undefined,
): Promise<Verification> {
  const connections = new PlacementConnections(placements, 1);
  try {
    const plan = await planTenants(connections, migrations);
    const tenants = [...plan.pending, ...plan.current];
    const drifted: DriftedTenant[] = [];
    let done = 0;
    const compare = async (placement: string, group: readonly PlannedTenant[]): Promise<void> => {
      for (let from = 0; from < group.length; from += hashedAtOnce) {
        const some = group.slice(from, from + hashedAtOnce);
        const hashes = await connections.use(placement, (client) =>
          readAsProvisioner(client, () =>
            hashSchemas(
              client,
              some.map(({ name }) => name),
              { placeholder: tenantPlaceholder, without: passingLines },
            ),
          ),
        );
        // Only those that differ are read line by line.
        for (const tenant of some.filter(({ name, number }) => hashes.get(name) !== expectedHash(number))) {
          const difference = await differenceOf(connections, tenant);
          if (difference !== null) drifted.push({ ...tenant, difference });
        }
        done += some.length;
        onEach(done, tenants.length);
      }
    };
    // Clusters have processors of their own.
    const groups = Map.groupBy(tenants, (tenant) => tenant.placement);
    await Promise.all([...groups].map(([placement, group]) => compare(placement, group)));
    drifted.sort((a, b) => (a.org < b.org ? -1 : 1));
    return { same: tenants.length - drifted.length, drifted, blocked: plan.blocked };
  } finally {
    await connections.end();
  }
}

/** @throws Error when the version has no dump */
function expectedLines(number: number): readonly string[] {
  const expected = readDump("tenant", number)?.schema;
  if (expected === undefined) throw new Error(`there is no dump of migrations/tenant at ${number}`);
  return lasting(expected);
}

const hashOf = new Map<number, string>();
/** As `hashSchemas` tells it of a schema that is what its version should be. */
function expectedHash(number: number): string {
  const known = hashOf.get(number);
  if (known !== undefined) return known;
  const lines = [...expectedLines(number)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const hash = createHash("md5").update(lines.join("\n")).digest("hex");
  hashOf.set(number, hash);
  return hash;
}

async function differenceOf(
  connections: PlacementConnections,
  { name, placement, number }: PlannedTenant,
): Promise<SchemaDifference | null> {
  const actual = await connections.use(placement, (client) =>
    readAsProvisioner(client, () => describeTenant(client, name)),
  );
  return schemaDifference(expectedLines(number), lasting(actual));
}

/** What a job removes once it is empty: there or not, both are right. */
const passing = [`${tenantPlaceholder}.telemetry_unmoved`] as const;

/** {@link lasting} in SQL, of `line`. A line that only one of both lets pass is read by the other, too. */
const passingLines = `position('${passing[0]}' IN line) > 0 OR (position(' a partition of ' IN line) > 0 AND CASE
  WHEN line LIKE 'column %' THEN position(' to ' IN line) = 0
  WHEN line LIKE 'relation %' THEN line ~ ' to sentinel_provisioner=[A-Z+]+$' ELSE true END)`;

/** Without what comes and goes while a tenant lives: partitions, and what a migration left to a job. */
function lasting(lines: readonly string[]): string[] {
  return lines.filter((line) => !isOrdinaryPartition(line) && !passing.some((name) => line.includes(name)));
}

/**
 * Partitions are made with time. One that anybody but the owner may touch directly is no ordinary one: it
 * would show rows past the policies, which are its parent's.
 */
function isOrdinaryPartition(line: string): boolean {
  if (!line.includes(" a partition of ")) return false;
  if (line.startsWith("column ")) return !line.includes(" to ");
  return !line.startsWith("relation ") || / to sentinel_provisioner=[A-Z+]+$/.test(line);
}
