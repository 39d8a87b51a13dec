/** What the verbs of backups share. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { BackupRefused } from "../../../core/backup/refused.ts";
import type { OrgId } from "../../../core/ids.ts";
import { CatalogueRefused } from "../../../store/tenant/backup-catalogue.ts";
import { CustodyRefused, noKeeper, openKeeper } from "../../backup/custody.ts";
import { PointInTimeRefused } from "../../backup/point-in-time.ts";
import { RestoreRefused } from "../../backup/restore-tenant.ts";
import { NoSuchOrganisation, type World } from "../../backup/run.ts";
import { ScopeLost } from "../../backup/snapshot.ts";
import { platformLink } from "../backup-routes.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { hubLink } from "../hub-routes.ts";
import { operatorFlags } from "../operator.ts";
import { orgOf } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import { readPrivateFile } from "../private-file.ts";
import type { ArgumentSpec, FlagSpec, Flags, Verb } from "../verb.ts";

const refusePath = (value: string): string | null => (value.includes("\0") ? "is not a path" : null);

export const keyFileFlag: FlagSpec = {
  value: "FILE",
  help: "the backup key-encryption key: see backup make-key",
  refuse: refusePath,
};
export const backupFile: ArgumentSpec = { name: "file", value: "FILE", refuse: refusePath };
export const folderFlag = (help: string): FlagSpec => ({ value: "DIR", help, refuse: refusePath });

/** Where Sentinel runs: its hubs are asked there, its databases are those of the state or of DATABASE_URLS. */
export const worldFlags = { "key-file": keyFileFlag, ...operatorFlags } as const;

/** A flag that has to be there. @throws CliError `missing_flag` */
export function required(flags: Flags, name: string): string {
  const value = flags[name];
  if (value === undefined) throw new CliError("missing_flag", `say --${name}`, 2);
  return value;
}

/** The organisation of a flag that has to be there. @throws CliError `missing_flag`, `no_such_organisation` */
export const requiredOrg = async (flags: Flags, name: string): Promise<OrgId> => orgOf(flags, required(flags, name));

/** @param keyFile `optional`: what the platform made opens without one @throws CliError */
export async function openWorld(flags: Flags, keyFile: "required" | "optional" = "required"): Promise<World> {
  const links = { hub: hubLink(flags), platform: platformLink(flags) };
  if (keyFile === "optional" && flags["key-file"] === undefined)
    return { placements: placementUrls(flags["state"]), keeper: noKeeper, ...links };
  const code = "bad_key_file";
  const text = readPrivateFile({ path: required(flags, "key-file"), code, whenLeaked: ", and make a new one" });
  try {
    return { placements: placementUrls(flags["state"]), keeper: await openKeeper(text), ...links };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(code, `${flags["key-file"]} does not hold 32 bytes in base64url`);
  }
}

/** Refusals in the operator's words; an address or a key is in none of them. @throws CliError */
export async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CliError) throw error;
    const known = [BackupRefused, CatalogueRefused, CustodyRefused, RestoreRefused, PointInTimeRefused];
    if (known.some((kind) => error instanceof kind)) {
      const { code, message } = error as BackupRefused;
      throw new CliError(code, message);
    }
    if (error instanceof NoSuchOrganisation) throw new CliError("no_such_organisation", error.message);
    if (error instanceof ScopeLost) throw new CliError("scope_lost", error.message);
    throw new CliError("backup_failed", reasonOf(error));
  }
}

export const backupMakeKey: Verb = {
  name: "backup make-key",
  summary: "Makes the key-encryption key of backups, in a new file that only you can read",
  details: "Keep a copy away from this machine and from the backups: without it no backup opens.",
  argument: backupFile,
  flags: {},
  async run(flags, print) {
    const path = required(flags, "file");
    try {
      // Never over one that something was sealed with.
      writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { flag: "wx", mode: 0o600 });
    } catch (error) {
      throw new CliError("bad_key_file", `can't make ${path} (${(error as NodeJS.ErrnoException).code})`);
    }
    print(`made ${path}`);
    return 0;
  },
};
