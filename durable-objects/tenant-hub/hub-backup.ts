import { WorkerEntrypoint } from "cloudflare:workers";
import { type OrgId, parseId } from "../../core/ids.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import {
  type HubBackupRpc,
  type HubExport,
  type HubPage,
  type HubRange,
  hubRangeItemsMax,
} from "../../core/rpc/hub-backup.ts";
import type { Env } from "../env.ts";
import { verifyInward } from "../mesh.ts";
import { everyHub, inTurns } from "./every-hub.ts";
import { directoryName, homeName, homeNames, parseHubName, parseShardCount } from "./shards/home.ts";

/**
 * For the operator's backups and restores (studio's job `backup`), and to be read for those that the platform makes
 * (`tend_backups`). No user, an owner neither, may read what waits for other people's devices.
 */
export class HubBackup extends WorkerEntrypoint<Env> implements HubBackupRpc {
  async beginExport(call: SignedCall, org: OrgId): Promise<HubExport> {
    const own = await this.#verified(call, org);
    const which = crypto.randomUUID();
    const objects: { object: string; pages: number }[] = [];
    await inTurns(await everyHub(this.env, own), async (object) => {
      objects.push({ object, pages: await this.env.TENANT_HUB.getByName(object).beginExport(own, which) });
    });
    return { export: which, objects: objects.toSorted((a, b) => (a.object < b.object ? -1 : 1)) };
  }

  async readExport(call: SignedCall, org: OrgId, page: HubPage): Promise<Uint8Array<ArrayBuffer> | null> {
    const own = await this.#verified(call, org);
    // A name that is another organisation's, or makes an object that was never there.
    if (parseHubName(page.object)?.org !== own) return null;
    return await this.env.TENANT_HUB.getByName(page.object).readExport(own, page.export, page.page);
  }

  async endExport(call: SignedCall, org: OrgId, which: string): Promise<void> {
    const own = await this.#verified(call, org);
    await inTurns(await everyHub(this.env, own), (object) =>
      this.env.TENANT_HUB.getByName(object).endExport(own, which),
    );
  }

  async reconcile(call: SignedCall, org: OrgId, range: HubRange): Promise<void> {
    const own = await this.#verified(call, org, ["backup"]);
    const parsed = parseRange(range);
    if (parsed.kind === "groups") {
      await this.env.TENANT_HUB.getByName(directoryName(own)).reconcile(own, parsed);
      return;
    }
    const count = parseShardCount(this.env.HUB_SHARDS);
    await inTurns(homeNames(own, count), async (object) => {
      const devices = parsed.devices.filter(({ device }) => homeName(own, device, count) === object);
      await this.env.TENANT_HUB.getByName(object).reconcile(own, { ...parsed, devices });
    });
  }

  async #verified(
    call: SignedCall,
    org: OrgId,
    jobs: readonly ("backup" | "tend_backups")[] = ["backup", "tend_backups"],
  ): Promise<OrgId> {
    const own = parseId("org", org);
    if (own === null) throw new Error("not the id of an organisation");
    const expected = { audience: "durable-objects.hub-backup", org: own, jobs } as const;
    const verified = await verifyInward(this.env, call, expected);
    if (verified.org === null) throw new CallRefused("wrong_org");
    return verified.org;
  }
}

/** @throws when it is none: what comes from studio was parsed there, so this is a bug and no refusal */
function parseRange(range: HubRange): HubRange {
  const wrong = new Error("not a range of a hub");
  const kind = range.kind === "groups" ? "group" : "device";
  const isId = (of: "device" | "group" | "user", id: unknown): boolean => parseId(of, id) !== null;
  for (const end of [range.after, range.until]) if (end !== null && !isId(kind, end)) throw wrong;
  const items = range.kind === "groups" ? range.groups : range.devices;
  if (items.length > hubRangeItemsMax) throw wrong;
  const isWhole =
    range.kind === "groups"
      ? range.groups.every(
          ({ group, devices, members }) =>
            isId("group", group) &&
            devices.every((id) => isId("device", id)) &&
            members.every((id) => isId("user", id)),
        )
      : range.devices.every(({ device, tokenSha256 }) => isId("device", device) && /^[0-9a-f]{64}$/.test(tokenSha256));
  if (!isWhole) throw wrong;
  return range;
}
