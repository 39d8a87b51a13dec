import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take longest in their round, the longest first: started last, one of them would run for itself while every
 * other worker has nothing to do. What those of e2e wait for is the product's own (a checkpoint, a policy that isolates
 * keep for a minute).
 */
const long = [
  "e2e/accessibility",
  "e2e/permissions",
  "e2e/audit-kills",
  "agent/run",
  "e2e/identity-pages",
  "e2e/geo",
  "e2e/audit-retire",
  "e2e/durability",
  "e2e/exports-pages",
  "e2e/stack",
  "e2e/pdf-text",
  "e2e/dashboard",
  "e2e/encryption",
  "e2e/audit-leaving",
  "e2e/billing-pages",
  "e2e/audit-proofs",
  "attack/tenant/sql-injections",
  "postgres/moving/old-place",
  "postgres/exports/archive",
  "postgres/studio/audit",
  "postgres/moving/no-lost-write",
  "postgres/backup/platform",
  "attack/tenant/erased",
  "postgres/data/rotation",
  "postgres/cli/backup",
  "postgres/studio/audit-events",
  "postgres/studio/backup-upkeep",
  "postgres/studio/round-trips",
];

const place = ({ moduleId }: TestSpecification): number => {
  const index = long.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return index === -1 ? long.length : index;
};

/** The long files, and then the order that vitest finds by itself. */
export default class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Sorting keeps the order of those that have the same place.
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}
