/**
 * Why a database call failed.
 * - `refused`: Postgres answered no; `code` is its SQLSTATE and nothing was committed.
 * - `unreachable`: no usable answer; the work may or may not be committed. Trying again later is right.
 */
export type DatabaseFailureKind = "refused" | "unreachable";

/** A failed database call. Its message never holds a connection string or a parameter. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly kind: DatabaseFailureKind;
  /** SQLSTATE (PostgreSQL appendix A), or null when there was none. */
  readonly code: string | null;
  /** Name of the violated constraint, when there is one. */
  readonly constraint: string | null;

  constructor(
    kind: DatabaseFailureKind,
    message: string,
    code: string | null = null,
    constraint: string | null = null,
  ) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.constraint = constraint;
  }

  /** True when Postgres could not be asked, as against when it said no. */
  get unreachable(): boolean {
    return this.kind === "unreachable";
  }

  /** True when the role or its password was refused: a password of another epoch may hold. */
  get loginRefused(): boolean {
    return this.code === "28P01" || this.code === "28000";
  }
}

/** SQLSTATEs worth telling apart by name. */
export const sqlState = {
  uniqueViolation: "23505",
  foreignKeyViolation: "23503",
  checkViolation: "23514",
  insufficientPrivilege: "42501",
  serializationFailure: "40001",
  deadlockDetected: "40P01",
  invalidPassword: "28P01",
  queryCanceled: "57014",
  undefinedFunction: "42883",
  undefinedTable: "42P01",
} as const;

/**
 * Classes of SQLSTATE which say that the server could not take the work: connection exceptions,
 * too many connections and other exhausted resources, shutdown and start-up.
 */
const unreachableCodes = /^(?:08|53|57P0[1-4])/;

interface PostgresFields {
  readonly message: string;
  readonly code?: unknown;
  readonly constraint?: unknown;
}

/** Turns whatever the driver threw into a {@link DatabaseError}. */
export function databaseError(cause: unknown): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  if (!(cause instanceof Error)) return new DatabaseError("unreachable", "the database did not answer");
  const fields = cause as PostgresFields;
  const code = sqlStateOf(fields);
  if (code === null) return new DatabaseError("unreachable", "the database did not answer");
  const constraint = typeof fields.constraint === "string" ? fields.constraint : null;
  const kind = unreachableCodes.test(code) ? "unreachable" : "refused";
  // The message is Postgres's primary message: it names objects, and values only for a malformed
  // literal, so only the code and the constraint go outward; `detail` (whole rows) is dropped here.
  return new DatabaseError(kind, `database ${kind}: ${code} ${fields.message}`, code, constraint);
}

function sqlStateOf(fields: PostgresFields): string | null {
  if (typeof fields.code === "string" && /^[0-9A-Z]{5}$/.test(fields.code)) return fields.code;
  // Neon's proxy refuses a login itself and may leave the SQLSTATE out.
  if (/^password authentication failed/.test(fields.message)) return sqlState.invalidPassword;
  return null;
}
