import { migrateFromEnvironment } from "../../migrate/main.ts";
import { CliError } from "../cli-error.ts";
import type { Verb } from "../verb.ts";

export const migrate: Verb = {
  name: "migrate",
  summary: "Brings every deployed placement to the newest migration and prints what it applied",
  details: [
    "DATABASE_URLS       JSON {placement: the owner's direct connection}; the first holds the control plane",
    "ROLE_PASSWORDS_FILE passwords of Sentinel's roles, made by the first run; without it the roles must exist",
    "A stack on this machine migrates itself when it starts.",
  ].join("\n"),
  flags: {},
  async run() {
    try {
      await migrateFromEnvironment();
      return 0;
    } catch (error) {
      throw new CliError("migrate_failed", (error as Error).message);
    }
  },
};
