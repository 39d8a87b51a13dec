/** The operator's routes to backups that the platform made. */
import type { OrgId } from "../../core/ids.ts";
import { operatorBackupRoutes } from "../../core/routes/operator-backups.ts";
import type { ListedBackup, PlatformLink } from "../backup/platform-link.ts";
import { patiently, runsNowhere } from "./hub-routes.ts";
import { callOperator } from "./operator.ts";
import type { Flags } from "./verb.ts";

/** Null when the flags name no Sentinel that runs: a database alone has neither bucket nor keeper. */
export function platformLink(flags: Flags): PlatformLink | null {
  if (runsNowhere(flags)) return null;
  const ask = (method: "GET" | "POST", path: string, org: OrgId, backup = "", query = ""): Promise<unknown> =>
    patiently(() =>
      callOperator(flags, { method, path: `${path.replace("{target}", org).replace("{backup}", backup)}${query}` }),
    );
  return {
    async list(org) {
      const answer = await ask("GET", operatorBackupRoutes.operatorListBackups.path, org);
      return (answer as { items: ListedBackup[] }).items;
    },
    async read(org, backup, offset) {
      const path = operatorBackupRoutes.readBackup.path;
      const answer = (await ask("GET", path, org, backup, `?offset=${offset}`)) as { bytes: string; size: number };
      return { bytes: Uint8Array.from(Buffer.from(answer.bytes, "base64")), size: answer.size };
    },
    async openKey(org, backup) {
      const answer = await ask("POST", operatorBackupRoutes.openBackupKey.path, org, backup);
      return Uint8Array.from(Buffer.from((answer as { key: string }).key, "base64url"));
    },
  };
}
