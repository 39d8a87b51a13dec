/** How one schema differs from what it should be. Pure. */

export interface SchemaDifference {
  /** Lines that should be there. */
  readonly missing: readonly string[];
  /** Lines that should not. */
  readonly unexpected: readonly string[];
}

/** @returns null when they are the same */
export function schemaDifference(expected: readonly string[], actual: readonly string[]): SchemaDifference | null {
  const [wanted, found] = [new Set(expected), new Set(actual)];
  const missing = expected.filter((line) => !found.has(line));
  const unexpected = actual.filter((line) => !wanted.has(line));
  return missing.length + unexpected.length === 0 ? null : { missing, unexpected };
}
