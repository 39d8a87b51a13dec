import { randomBytes } from "node:crypto";
import { StackError } from "./stack-error.ts";
import { readJson, writeJsonAtomically } from "./state-folder.ts";

/** Every secret of a local stack: generated once, kept in the state folder (mode 0600), never in git. */
const secretNames = [
  "postgresSuperuser",
  "sentinelOwner",
  "sentinelControl",
  "sentinelDirectory",
  "sentinelProvisioner",
  "sentinelAuditWriter",
  "tenantDbRoot",
  "keyEncryptionKey",
  "cursorKey",
  "mailToken",
  "demoOwnerPassword",
] as const;

export type StackSecrets = Readonly<Record<(typeof secretNames)[number], string>>;

/** Reads the secrets, or makes them: 32 random bytes each, base64url. */
export function loadSecrets(path: string): StackSecrets {
  const held = readJson(path);
  if (held === null) {
    const made = Object.fromEntries(secretNames.map((name) => [name, randomBytes(32).toString("base64url")]));
    writeJsonAtomically(path, made);
    return made as StackSecrets;
  }
  for (const name of secretNames) {
    if (typeof (held as Record<string, unknown>)[name] !== "string") {
      throw new StackError(
        "broken_state",
        `${path} lacks ${name}`,
        "Restore it from a copy, or choose another folder with --state.",
      );
    }
  }
  return held as StackSecrets;
}
