/** The operator's routes to a hub's content, for backups and restores. */
import { setTimeout as delay } from "node:timers/promises";
import { operatorBackupRoutes } from "../../core/routes/operator-backups.ts";
import type { HubExport } from "../../core/rpc/hub-backup.ts";
import type { HubLink } from "../backup/hub-link.ts";
import { CliError } from "./cli-error.ts";
import { callOperator, type OperatorCall } from "./operator.ts";
import type { Flags } from "./verb.ts";

/** The token's limit is by the minute, so this long is enough; and so many minutes are more than any hub has pages for. */
const waitMs = 20_000;
const waitsMax = 30;

/** Null when the flags name no Sentinel that runs: a database alone has no hub. */
export function hubLink(flags: Flags): HubLink | null {
  if (runsNowhere(flags)) return null;
  const ask = (path: string, org: string, call: Omit<OperatorCall, "path">, query = ""): Promise<unknown> =>
    patiently(() => callOperator(flags, { ...call, path: `${path.replace("{target}", org)}${query}` }));
  return {
    begin: async (org) => (await ask(operatorBackupRoutes.beginHubExport.path, org, { method: "POST" })) as HubExport,
    async read(org, which, object, page) {
      const query = `?export=${which}&object=${encodeURIComponent(object)}&page=${page}`;
      const answer = await ask(operatorBackupRoutes.readHubExport.path, org, { method: "GET" }, query);
      return Buffer.from((answer as { bytes: string }).bytes, "base64");
    },
    async end(org, which) {
      await ask(operatorBackupRoutes.endHubExport.path, org, { method: "POST", body: { export: which } });
    },
    async record(org, action, backup) {
      await ask(operatorBackupRoutes.recordBackup.path, org, { method: "POST", body: { action, backup } });
    },
    async reconcile(org, range) {
      const { after, until } = range;
      const body =
        range.kind === "groups"
          ? { groups: { after, until, items: range.groups } }
          : {
              devices: {
                after,
                until,
                items: range.devices.map(({ device, tokenSha256 }) => ({ device, token_sha256: tokenSha256 })),
              },
            };
      await ask(operatorBackupRoutes.reconcileHub.path, org, { method: "POST", body });
    },
  };
}

/** True when nothing but databases was named. */
export const runsNowhere = (flags: Flags): boolean =>
  flags["url"] === undefined && flags["state"] === undefined && process.env["DATABASE_URLS"] !== undefined;

/** Waits as long as the token's limit asks for. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CliError) || error.code !== "rate_limited" || waits === waitsMax) throw error;
      await delay(waitMs);
    }
  }
}
