import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBackup } from "../../../core/backup/read.ts";
import type { BackupId, OrgId } from "../../../core/ids.ts";
import type { MadeBackup, MakeResult } from "../../../core/rpc/backups.ts";
import { shredDataKeys } from "../../../store/control/data-keys.ts";
import { newSha256, partBytes } from "../../../workers/capabilities/backups/bucket.ts";
import { writeEntries } from "../../../workers/data/audit-sink/write-entries.ts";
import { replaceKeeper } from "../../../workers/data/data-keys/data-keys.ts";
import { scopeOf } from "../../support/scopes.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { sinkEntry } from "../data/support.ts";
import { asSuperuser, controlDatabase, type FreshTenant, freshTenant } from "../support.ts";
import { contentOf, fillTenant, newBackupId, piecesOf, restore } from "./kit.ts";
import { createPlatformKit, orderOf, type PlatformKit, recordMade } from "./platform-kit.ts";

const long = 120_000;
let kit: PlatformKit;
beforeAll(async () => {
  kit = await createPlatformKit();
}, long);
afterAll(() => kit.stop());

const madeBy = (result: MakeResult): MadeBackup => {
  if (!result.ok) throw new Error(result.code);
  return result.value;
};
const make = async (org: OrgId, backup: BackupId = newBackupId()): Promise<MakeResult> =>
  kit.backups().make(await kit.call(org), orderOf(org, backup));
async function keyOf(org: OrgId, backup: BackupId): Promise<Uint8Array> {
  const opened = await kit.backups().openKey(await kit.call(org), backup);
  if (!opened.ok) throw new Error(opened.code);
  return opened.key;
}
/** Makes one and puts it on record. */
async function made({ org }: FreshTenant): Promise<{ backup: BackupId; file: Buffer; made: MadeBackup }> {
  const backup = newBackupId();
  const value = madeBy(await make(org, backup));
  await recordMade(org, backup, value);
  return { backup, made: value, file: (await kit.file(org, backup))! };
}
async function streamsOf(file: Buffer, key: Uint8Array): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  let name = "";
  for await (const event of (await openBackup(piecesOf(file))).events(key, newSha256)) {
    if (event.kind === "begin") [name, found[event.stream.name]] = [event.stream.name, ""];
    else if (event.kind === "rows") found[name] += Buffer.from(event.lines).toString("utf8");
  }
  return found;
}

describe("a backup that the platform makes", () => {
  it("gives the same organisation and a new one every row of every table and partition", {
    timeout: long,
  }, async () => {
    const [tenant, other] = [await freshTenant(), await freshTenant()];
    await fillTenant(tenant);
    const before = await contentOf(tenant);
    expect(Object.values(before).filter((content) => content === "0 ")).toEqual([]);
    const { backup, file } = await made(tenant);
    const key = await keyOf(tenant.org, backup);
    await asSuperuser(`DELETE FROM ${tenant.name}.telemetry`, [], tenant.placement);
    await asSuperuser(`UPDATE ${tenant.name}.devices SET name = 'encrypted by somebody'`, [], tenant.placement);
    await restore(tenant, file, key);
    expect(await contentOf(tenant)).toEqual(before);
    await restore(other, file, key);
    expect(await contentOf(other)).toEqual(before);
  });

  it("is of one moment, whatever changes while it is read", { timeout: long }, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant);
    const before = await contentOf(tenant);
    const backup = newBackupId();
    const order = orderOf(tenant.org, backup);
    const result = await kit.backups().make(await kit.call(tenant.org), {
      ...order,
      // The snapshot is open by now.
      controlLines: async () => {
        await asSuperuser(`DELETE FROM ${tenant.name}.telemetry`, [], tenant.placement);
        await asSuperuser(`UPDATE ${tenant.name}.devices SET name = 'later'`, [], tenant.placement);
        return order.controlLines();
      },
    });
    await recordMade(tenant.org, backup, madeBy(result));
    await restore(tenant, (await kit.file(tenant.org, backup))!, await keyOf(tenant.org, backup));
    expect(await contentOf(tenant)).toEqual(before);
  });

  it("takes along the log, the hub and what the control plane knows, as COPY writes them, and no secret", {
    timeout: long,
  }, async () => {
    const tenant = await freshTenant();
    const { org } = tenant;
    const person = newId("user");
    await asSuperuser("INSERT INTO control.users (id, email, name, created_at) VALUES ($1, $2, E'Tab\\tby', now())", [
      person,
      `${person}@people.test`,
    ]);
    await asSuperuser(
      "INSERT INTO control.organisations (id, slug, name, status, created_by, created_at) VALUES ($1, $2, 'School', 'active', $3, now())",
      [org, org.replace("_", "-"), person],
    );
    await asSuperuser(
      "INSERT INTO control.memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'owner', now())",
      [org, person],
    );
    const entries = Array.from({ length: 1_003 }, (_, index) =>
      sinkEntry(org, index + 1, { type: "policy_change", user_id: person, policy: "geo" }),
    );
    const drain = async (some: typeof entries): Promise<void> =>
      writeEntries(
        kit.unit,
        await kit.mesh.callerOf("durable-objects").asJob("data.audit-sink", "audit_drain", org, newId("request")),
        some,
      );
    await drain(entries.slice(0, 900));
    await drain(entries.slice(900));
    const { backup, file } = await made(tenant);
    const streams = await streamsOf(file, await keyOf(org, backup));
    const log = streams["$audit.events"]?.split("\n").slice(0, -1) ?? [];
    expect(log.map((line) => Number(line.split("\t")[1]))).toEqual(entries.map(({ entry }) => entry.seq));
    expect(log[0]).toContain(entries[0]?.leafJson.replaceAll("\\", "\\\\"));
    expect(streams["$control.users"]).toContain(`${person}\t${person}@people.test\tTab\\tby\t`);
    expect(streams["$control.memberships"]).toContain(`${org}\t${person}\towner\t`);
    expect(streams["$hub"]).toBe(
      `${org}\t["session",{"id":"é\\\\\\\\n\\\\"","at":1}]\n${org}\t["retained",{"topic":"x","payload":{"base64":"AAEC"}}]\n`,
    );
  });

  it("is sealed before it leaves, under a key that lies wrapped by the organisation's own data keys", {
    timeout: long,
  }, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant);
    const { backup, file, made: value } = await made(tenant);
    const key = await keyOf(tenant.org, backup);
    expect(file.includes("encoded") || file.includes("telemetry_s")).toBe(false);
    expect(file.includes(Buffer.from(key))).toBe(false);
    expect(value.wrappedKey).toMatch(/^w1\.dky_/);
    const chunk = Buffer.from(file);
    chunk[chunk.length - 20]! ^= 1;
    await expect(streamsOf(chunk, key)).rejects.toMatchObject({ code: "not_authentic" });
    await expect(streamsOf(file, randomBytes(32))).rejects.toMatchObject({ code: "not_authentic" });
  });

  it("of more than one part is uploaded in parts, and reads back as what was written", { timeout: long }, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 10);
    // Nothing that gzip makes smaller: two parts and a rest.
    await asSuperuser(
      `INSERT INTO ${tenant.name}.commands (id, device_id, name, args, issued_by, expires_at, reply)
       SELECT 'cmd_' || lpad(n::text, 26, '0'), (SELECT min(id) FROM ${tenant.name}.devices), 'noise',
         '{}', 'somebody', now(), to_jsonb((SELECT string_agg(md5(random()::text || n || m), '') FROM generate_series(1, 8000) m)) FROM generate_series(1, 150) n`,
      [],
      tenant.placement,
    );
    const before = await contentOf(tenant);
    const { backup, file } = await made(tenant);
    expect(file.length).toBeGreaterThan(2 * partBytes);
    // In pieces, as the operator's tool fetches it.
    const reader = kit.backups();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < file.length; ) {
      const piece = await reader.read(await kit.call(tenant.org), backup, at, 4 * 1024 * 1024);
      expect(piece?.size).toBe(file.length);
      pieces.push(piece!.bytes);
      at += piece!.bytes.length;
    }
    const fetched = Buffer.concat(pieces);
    expect(fetched.equals(file)).toBe(true);
    expect((await reader.read(await kit.call(tenant.org), backup, file.length, 1))?.bytes.length).toBe(0);
    await restore(tenant, fetched, await keyOf(tenant.org, backup));
    expect(await contentOf(tenant)).toEqual(before);
  });
});

describe("no backup is made, and nothing stays", () => {
  const refused = async (tenant: FreshTenant, options: Parameters<PlatformKit["backups"]>[0], order = {}) => {
    const call = await kit.call(tenant.org);
    const result = await kit.backups(options).make(call, { ...orderOf(tenant.org), ...order });
    expect(await kit.objects(tenant.org)).toEqual([]);
    return result.ok ? "ok" : result.code;
  };

  it("of an organisation that is larger than one run reads, and says so before it reads", async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 10);
    let asked = 0;
    const controlLines = async (): Promise<Record<string, string>> => {
      asked += 1;
      return {};
    };
    expect(await refused(tenant, { limits: { runMs: 60_000, bytes: 1 } }, { controlLines })).toBe("too_large");
    expect(asked).toBe(0);
  });

  it("when its time is over before its rows are", async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 10);
    let nowMs = Date.now();
    const clock = {
      now: () => {
        nowMs += 20_000;
        return nowMs;
      },
    };
    // The server's own bound stays out of this one's way.
    expect(await refused(tenant, { ...clock, limits: { runMs: 100_000, bytes: 1e9 } })).toBe("out_of_time");
  });

  it("when studio says stop: the organisation was shut meanwhile, or the run was given up", async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 10);
    expect(await refused(tenant, {}, { onProgress: async () => false })).toBe("stopped");
  });

  it("of a table whose policies would leave rows out without a word", async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 10);
    await asSuperuser(`DROP POLICY backup_read ON ${tenant.name}.groups`, [], tenant.placement);
    expect(await refused(tenant, {})).toBe("unreadable_table");
  });

  it("when the hub gives no copy", async () => {
    const tenant = await freshTenant();
    const hub = {
      beginExport: async () => {
        throw new Error("away");
      },
    } as never;
    expect(await refused(tenant, { hub })).toBe("hub_unavailable");
  });

  it("of an organisation whose keys were shredded", async () => {
    const tenant = await freshTenant();
    await shredDataKeys(controlDatabase, scopeOf(tenant.org));
    expect(await refused(tenant, {})).toBe("key_unavailable");
  });

  it("when a part can't be stored: the ones before it are gone, too", { timeout: long }, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 10);
    const bucket = {
      ...kit.bucket,
      put: async () => {
        throw new Error("the bucket is away");
      },
      delete: (names: string | string[]) => kit.bucket.delete(names),
    } as unknown as PlatformKit["bucket"];
    await expect(refused(tenant, { bucket })).rejects.toThrow("the bucket is away");
    expect(await kit.objects(tenant.org)).toEqual([]);
  });
});

describe("who may", () => {
  it("is the platform's own job alone: no user, no other job, no organisation but the call's", async () => {
    const [tenant, other] = [await freshTenant(), await freshTenant()];
    const { backup } = await made(tenant);
    const studio = kit.mesh.callerOf("studio");
    const backups = kit.backups();
    const owner = await studio.asUser(
      "capabilities.backups",
      await kit.mesh.accessToken({ user: newId("user"), org: tenant.org, role: "owner" }),
      newId("request"),
    );
    await expect(backups.openKey(owner, backup)).rejects.toThrow("user_not_accepted");
    const job = await studio.asJob("capabilities.backups", "backup", tenant.org, newId("request"));
    await expect(backups.openKey(job, backup)).rejects.toThrow("wrong_job");
    const nobody = await studio.asJob("capabilities.backups", "tend_backups", null, newId("request"));
    await expect(backups.make(nobody, orderOf(tenant.org))).rejects.toThrow("wrong_org");
    const again = await kit.call(tenant.org);
    await backups.openKey(again, backup);
    await expect(backups.openKey(again, backup)).rejects.toThrow("replayed");
    // Another organisation's is not there.
    expect(await backups.openKey(await kit.call(other.org), backup)).toEqual({ ok: false, code: "unknown_backup" });
    expect(await backups.read(await kit.call(other.org), backup, 0, 10)).toBeNull();
    await expect(backups.read(await kit.call(other.org), `../${tenant.org}/x` as BackupId, 0, 10)).rejects.toThrow();
    await backups.erase(await kit.call(other.org));
    expect(await kit.objects(tenant.org)).toHaveLength(1);
  });

  it("wraps backups' keys and opens them, and can't give an organisation another keeper", async () => {
    const { org } = await freshTenant();
    const caller = kit.mesh.callerOf("capabilities");
    const call = await caller.asJob("data.data-keys", "tend_backups", org, newId("request"));
    const change = { version: 0, keeper: { kind: "sentinel", settings: {}, credentials: null }, keys: [] } as const;
    await expect(replaceKeeper(kit.unit, call, change)).rejects.toThrow("not_granted");
  });

  it("deletes by list: what is to be kept stays, and so does what is young; erasing leaves nothing", async () => {
    const tenant = await freshTenant();
    const [one, two] = [await made(tenant), await made(tenant)];
    const later = { now: () => Date.now() + 25 * 3_600_000 };
    expect(await kit.backups().prune(await kit.call(tenant.org), [one.backup])).toBe(0);
    // Calls are signed by a clock that did not jump, so the list is asked of the bucket's functions by themselves.
    const { deleteObjects } = await import("../../../workers/capabilities/backups/bucket.ts");
    expect(await deleteObjects(kit.bucket, tenant.org, new Set([one.backup]), later.now())).toBe(1);
    expect(await kit.objects(tenant.org)).toEqual([`${tenant.org}/${one.backup}.sentinel-backup`]);
    expect(await kit.file(tenant.org, two.backup)).toBeNull();
    await kit.backups().erase(await kit.call(tenant.org));
    expect(await kit.objects(tenant.org)).toEqual([]);
  });
});
