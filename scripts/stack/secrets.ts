import { randomBytes } from "node:crypto";
import { type BootstrapSecrets, makeBootstrapSecrets } from "../postgres/bootstrap.ts";
import { StackError } from "./stack-error.ts";
import { readJson, writeJsonAtomically } from "./state-folder.ts";

const secretNames = [
  "postgresSuperuser",
  "tenantDbRoot",
  "keyEncryptionKey",
  "dataKeyEncryptionKey",
  "cursorKey",
  "identityKey",
  "operatorToken",
  "passwordsToken",
  "mailToken",
  "demoOwnerPassword",
] as const;

/**
 * Secrets that states of earlier versions don't have. Made when absent, because nothing can rest on
 * them yet; whoever deletes one from a state loses what it sealed.
 */
const addedLater: readonly (typeof secretNames)[number][] = [
  "identityKey",
  "operatorToken",
  "passwordsToken",
  "dataKeyEncryptionKey",
];

/** Every secret of a local stack: generated once, kept in the state folder (mode 0600), never in git. */
export interface StackSecrets extends Readonly<Record<(typeof secretNames)[number], string>> {
  /** Passwords of the Postgres roles, by placement. */
  readonly databaseRoles: BootstrapSecrets;
}

/**
 * Reads the secrets, or makes them: 32 random bytes each, base64url.
 * @throws StackError `broken_state`
 */
export function loadSecrets(path: string, placementNames: readonly string[]): StackSecrets {
  const stored = readJson(path) as Partial<StackSecrets> | null;
  const secret = (): string => randomBytes(32).toString("base64url");
  if (stored === null) {
    const made = {
      ...Object.fromEntries(secretNames.map((name) => [name, secret()])),
      databaseRoles: makeBootstrapSecrets(placementNames),
    } as unknown as StackSecrets;
    writeJsonAtomically(path, made);
    return made;
  }
  const added = addedLater.filter((name) => stored[name] === undefined);
  const held = { ...stored, ...Object.fromEntries(added.map((name) => [name, secret()])) };
  const missing = secretNames.find((name) => typeof held[name] !== "string");
  if (missing !== undefined || typeof held.databaseRoles !== "object") {
    throw new StackError(
      "broken_state",
      `${path} lacks ${missing ?? "databaseRoles"}`,
      "Restore it from a copy, or choose another folder with --state.",
    );
  }
  if (added.length > 0) writeJsonAtomically(path, held);
  return held as StackSecrets;
}
