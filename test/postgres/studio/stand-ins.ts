/** The RPC surfaces of devices, hub and provisioner in memory: they verify calls and remember what they were told. */
import { type IdKind, makeId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { Audience } from "../../../core/mesh/workloads.ts";
import type { BackendCircuitsRpc } from "../../../core/rpc/backends.ts";
import type { BackupsRpc } from "../../../core/rpc/backups.ts";
import type { BillingRpc } from "../../../core/rpc/billing.ts";
import type {
  Command,
  Device,
  DevicesRpc,
  EnrollmentCode,
  Group,
  Page,
  Result,
} from "../../../core/rpc/capabilities.ts";
import type { EncryptionState, ProvisionerRpc } from "../../../core/rpc/data.ts";
import type { DocumentsRpc } from "../../../core/rpc/documents.ts";
import type {
  HubControlRpc,
  HubGeoRpc,
  HubLifecycleRpc,
  HubUsageRpc,
  RefusedDevices,
} from "../../../core/rpc/durable-objects.ts";
import type { EncryptionRpc } from "../../../core/rpc/encryption.ts";
import type { ExportDestinationsRpc } from "../../../core/rpc/export-destinations.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import type { HubBackupRpc, HubPage } from "../../../core/rpc/hub-backup.ts";
import type { HubLimitsRpc, LimitsInUse } from "../../../core/rpc/hub-limits.ts";
import type { LlmRpc } from "../../../core/rpc/llm.ts";
import { billingAnswers } from "./billing-stand-in.ts";
import { documentAnswers } from "./documents-stand-in.ts";
import { llmAnswers } from "./llm-stand-in.ts";

export interface StandIns {
  readonly devices: DevicesRpc;
  readonly encryption: EncryptionRpc;
  readonly backups: BackupsRpc;
  readonly documents: DocumentsRpc;
  readonly llm: LlmRpc;
  readonly billing: BillingRpc;
  readonly exports: ExportsRpc;
  readonly exportDestinations: ExportDestinationsRpc;
  readonly hub: HubControlRpc & HubGeoRpc & HubLifecycleRpc & HubLimitsRpc & HubUsageRpc;
  readonly circuits: BackendCircuitsRpc;
  readonly hubBackup: HubBackupRpc;
  readonly provisioner: ProvisionerRpc;
  /** `method` and its arguments after the call, in order. */
  readonly calls: { readonly method: string; readonly by: string; readonly args: readonly unknown[] }[];
  /** A method named here throws. Written by tests alone. */
  readonly broken: Set<string>;
  /** A method named here throws so many times. Written by tests; counted down here. */
  readonly failures: Map<string, number>;
  /** Devices that the hub says a new geo policy would refuse. Written by tests alone. */
  readonly refusedDevices: { current: RefusedDevices };
}

export function createStandIns(keys: MeshKeys, now: () => number): StandIns {
  const calls: StandIns["calls"] = [];
  const broken = new Set<string>();
  const refusedDevices: StandIns["refusedDevices"] = { current: { total: 0, byCountry: {}, devices: [] } };
  const failures = new Map<string, number>();
  const id = <K extends IdKind>(kind: K) => makeId(kind, now(), crypto.getRandomValues(new Uint8Array(10)));
  const at = (): string => new Date(now()).toISOString();

  /** Builds one RPC object whose methods verify, remember and then answer. */
  function surface<T>(audience: Audience, answers: Record<string, (args: readonly unknown[]) => unknown>): T {
    const methods = Object.entries(answers).map(([method, answer]) => [
      method,
      async (call: SignedCall, ...args: unknown[]) => {
        const verified = await verifyCall(
          call,
          {
            audience,
            users: true,
            jobs: [
              "enroll",
              "provision",
              "lifecycle",
              "tend_keys",
              "tend_backups",
              "tend_documents",
              "run_exports",
              "tend_billing",
              "take_payments",
              "backup",
            ],
          },
          keys,
          now(),
        );
        if (broken.has(method)) throw new Error(`${method} is broken`);
        const left = failures.get(method) ?? 0;
        failures.set(method, left - 1);
        if (left > 0) throw new Error(`${method} is away`);
        calls.push({ method, by: verified.kind === "user" ? verified.role : verified.job, args });
        return answer(args);
      },
    ]);
    return Object.fromEntries(methods) as T;
  }

  const ok = <T>(value: T): Result<T> => ({ ok: true, value });
  const page = <T>(items: T[]): Result<Page<T>> => ok({ items, nextCursor: null });
  const device = (): Device => {
    const seen = { enrolledAt: at(), lastSeenAt: null, online: false, groups: [] };
    return { id: id("device"), name: "pc", platform: "linux", ...seen };
  };
  const group = (): Group => ({ id: id("group"), name: "lab", createdAt: at(), devices: [], members: [] });
  const code = (): EnrollmentCode => {
    const made = { createdBy: id("user"), createdAt: at(), revokedAt: null, rollout: null };
    return { id: id("enrollmentCode"), name: "c", expiresAt: at(), maxUses: 1, uses: 0, ...made };
  };
  const command = (): Command => {
    const sent = { issuedBy: id("user"), issuedAt: at(), expiresAt: at(), reply: null, repliedAt: null };
    return { id: id("command"), device: id("device"), name: "ping", args: {}, ...sent };
  };
  const limitsInUse = (): LimitsInUse => {
    const packets = { used: 12.25, limit: 1000 };
    const none = { used: 0, limit: 60 };
    const heaviest = [{ client: id("device"), packets, bytes: { used: 4096, limit: 4_194_304 }, connects: none }];
    return { requests: { used: 3, limit: 6000 }, packets, sockets: 2, heaviest };
  };
  const encryption = (): Result<EncryptionState> =>
    ok({
      keeper: { kind: "https", settings: { address: "https://keys.example.org" } },
      shredded: false,
      changedBy: id("user"),
      changedAt: at(),
      unwrappedAt: at(),
      failedAt: null,
      failure: null,
      keys: [{ id: id("dataKey"), createdAt: at(), messagesReserved: 1024, current: true }],
    });
  const done = () => ok(null);
  const nothing = () => undefined;
  const codeRate = { allowed: true, limit: 10, remaining: 9, resetSeconds: 60 };

  return {
    calls,
    broken,
    refusedDevices,
    failures,
    devices: surface<DevicesRpc>("capabilities.devices", {
      createEnrollmentCode: () => ok({ ...code(), code: "slug-SECRET" }),
      listEnrollmentCodes: () => page([code()]),
      revokeEnrollmentCode: done,
      openRollout: () => ok({ ...code(), rollout: { perMinute: 600, until: at() } }),
      enroll: () =>
        ok({
          kind: "enrolled",
          device: id("device"),
          token: `sdt_${"t".repeat(43)}`,
          code: id("enrollmentCode"),
          rate: codeRate,
        }),
      usage: () => ok({ devices: 3, storageBytes: 4096, llmMicros: 250_000 }),
      listDevices: ([asked]) => {
        const { cursor } = asked as { cursor: string | null };
        return ok({ items: [device()], nextCursor: cursor === null ? "inner cursor" : null });
      },
      getDevice: () => ok(device()),
      renameDevice: () => ok(device()),
      removeDevice: done,
      rotateToken: () => ok({ token: "sdt_new" }),
      sendCommand: () => ok(command()),
      listCommands: () => page([command()]),
      telemetry: () =>
        ok({
          from: at(),
          to: at(),
          stepSeconds: 60,
          resolution: "raw",
          buckets: [{ at: at(), samples: 1, metrics: { cpu_percent: 1 } }],
        }),
      createGroup: () => ok(group()),
      listGroups: () => page([group()]),
      getGroup: () => ok(group()),
      renameGroup: () => ok(group()),
      removeGroup: done,
      setGroupDevice: done,
      setGroupMember: done,
      removeUser: done,
    }),
    backups: surface<BackupsRpc>("capabilities.backups", {
      make: () => ({ ok: false, code: "failed" }),
      read: () => ({ bytes: new Uint8Array([1, 2, 3]), size: 3 }),
      openKey: () => ({ ok: true, key: new Uint8Array(32).fill(7) }),
      prune: () => 0,
      erase: nothing,
    }),
    documents: surface<DocumentsRpc>("capabilities.documents", documentAnswers(now)),
    llm: surface<LlmRpc>("capabilities.llm", llmAnswers(now)),
    billing: surface<BillingRpc>("capabilities.billing", billingAnswers()),
    exports: surface<ExportsRpc>("capabilities.exports", {
      prepare: () => ({ ok: true, value: { rowsExpected: 3, bytesExpected: null, wrappedKey: "d1.wrapped" } }),
      open: () => ({ ok: true, value: new Response("a,b\r\n").body }),
      step: () => ({ ok: true, value: { part: null, rows: 0, cursor: null } }),
      assemble: () => ({ ok: true, value: [] }),
      deliver: () => ({ ok: true, place: "there" }),
      discard: nothing,
      erase: nothing,
    }),
    exportDestinations: surface<ExportDestinationsRpc>("capabilities.export-destinations", {
      prepare: ([, , secret]) => ({
        ok: true,
        value: secret === null ? null : { sealed: "d1.sealed", fingerprint: "0123456789abcdef" },
      }),
      tryOut: () => ({ ok: true, value: { ok: true, place: "there" } }),
    }),
    encryption: surface<EncryptionRpc>("capabilities.encryption", {
      describe: encryption,
      changeKeeper: () => (broken.has("the keeper") ? { ok: false, code: "key_unavailable" } : encryption()),
      verify: () => (broken.has("the keeper") ? { ok: false, code: "key_unavailable" } : encryption()),
      rotate: encryption,
      rewrap: encryption,
    }),
    hub: surface<HubControlRpc & HubGeoRpc & HubLifecycleRpc & HubLimitsRpc & HubUsageRpc>(
      "durable-objects.hub-control",
      {
        putMember: nothing,
        putKey: nothing,
        endSessions: nothing,
        putGeo: nothing,
        putLimits: nothing,
        limitsInUse,
        geoRefused: () => refusedDevices.current,
        setStanding: nothing,
        messagesToday: () => ({ used: 7, resetAtMs: 86_400_000 * Math.ceil((now() + 1) / 86_400_000) }),
        erase: nothing,
        presence: () => [],
      },
    ),
    circuits: surface<BackendCircuitsRpc>("durable-objects.backends", {
      admit: ([, , tries]) =>
        broken.has("the circuit")
          ? { kind: "open", retryAfterMs: 4_200 }
          : {
              kind: "admitted",
              ticket: { epoch: 0, probe: false },
              assertions: Array.from({ length: Number(tries) }, (_, index) => `assertion ${index}`),
            },
      settle: nothing,
      states: ([asked]) => (asked as unknown[]).map(() => ({ state: "open", lastFailureMs: now() })),
    }),
    hubBackup: surface<HubBackupRpc>("durable-objects.hub-backup", {
      beginExport: ([org]) => ({ export: crypto.randomUUID(), objects: [{ object: org, pages: 1 }] }),
      readExport: ([, page]) => ((page as HubPage).page === 0 ? new TextEncoder().encode('["devices",{}]\n') : null),
      endExport: nothing,
      reconcile: nothing,
    }),
    provisioner: surface<ProvisionerRpc>("data.provisioner", {
      prepareMove: ([, target]) =>
        target === "nowhere"
          ? { kind: "refused", why: "no_such_placement" }
          : { kind: "prepared", begun: true, source: "first", step: "announced" },
      createTenant: () => ({ placement: broken.has("every placement is full") ? null : "first" }),
      dropTenant: () => ({ dropped: true }),
    }),
  };
}
