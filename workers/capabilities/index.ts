/**
 * capabilities: what Sentinel does for a tenant, behind private bindings only.
 *
 * - `devices/`: enrolment, inventory, commands, telemetry, groups. Entrypoint `Devices`, for studio.
 * - `keys/`: data keys and who keeps what wraps them. Entrypoint `Encryption`, for studio.
 * - `backups/`: organisations into a bucket and out of it. Entrypoint `Backups`, for studio's clock and the operator.
 * - `documents/`: files, sealed in a bucket. Entrypoint `Documents`, for studio.
 * - `exports/`: rows as files, sealed in a bucket. Entrypoint `Exports`, for studio and its queue.
 * - `llm/`: language models of an organisation's own providers. Entrypoint `Llm`, for studio.
 * - `billing/`: what there is to be metered, and whoever takes payments. Entrypoint `Billing`, for studio.
 * - `exports/` stands beside it when it comes. Each has an
 *   entrypoint of its own, its own audience in core/mesh/workloads.ts and its own table of rights.
 *
 * A call's life: devices.ts → admission.ts (verified, then its role) → one handler → store/tenant,
 * as the tenant's own database role under the actor's row scope → the tenant's hub.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { BackupId } from "../../core/ids.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import type { BackupOrder, BackupsRpc } from "../../core/rpc/backups.ts";
import type { BillingRpc } from "../../core/rpc/billing.ts";
import type { DevicesRpc } from "../../core/rpc/capabilities.ts";
import type { DocumentsRpc } from "../../core/rpc/documents.ts";
import type { EncryptionRpc, KeeperInput } from "../../core/rpc/encryption.ts";
import type { ExportDestinationsRpc } from "../../core/rpc/export-destinations.ts";
import type { ExportsRpc } from "../../core/rpc/exports.ts";
import type { LlmRpc } from "../../core/rpc/llm.ts";
import { createBackups } from "./backups/backups.ts";
import { createBilling } from "./billing/billing.ts";
import { createDevices } from "./devices/devices.ts";
import { createDocuments } from "./documents/documents.ts";
import { createDependencies, type Env } from "./environment.ts";
import { createExportDestinations } from "./exports/destinations/destinations.ts";
import { createExports } from "./exports/exports.ts";
import { createEncryption } from "./keys/encryption.ts";
import { createLlm } from "./llm/llm.ts";

/** Written once, by the isolate's first call. */
let capabilities: {
  readonly devices: DevicesRpc;
  readonly encryption: EncryptionRpc;
  readonly backups: BackupsRpc;
  readonly documents: DocumentsRpc;
  readonly exports: ExportsRpc;
  readonly llm: LlmRpc;
  readonly billing: BillingRpc;
  readonly exportDestinations: ExportDestinationsRpc;
} | null = null;

function capabilitiesOf(env: Env): NonNullable<typeof capabilities> {
  if (capabilities === null) {
    const { devices, encryption, backups, documents, exports, llm, billing, exportDestinations } =
      createDependencies(env);
    capabilities = {
      devices: createDevices(devices),
      encryption: createEncryption(encryption),
      backups: createBackups(backups),
      documents: createDocuments(documents),
      exports: createExports(exports),
      llm: createLlm(llm),
      billing: createBilling(billing),
      exportDestinations: createExportDestinations(exportDestinations),
    };
  }
  return capabilities;
}

type Rest<Method extends keyof DevicesRpc> = Parameters<DevicesRpc[Method]>;
type Answer<Method extends keyof DevicesRpc> = ReturnType<DevicesRpc[Method]>;

/** Private binding of studio. What may be called, and by whom, is in devices/rights.ts. */
export class Devices extends WorkerEntrypoint<Env> implements DevicesRpc {
  get #devices(): DevicesRpc {
    return capabilitiesOf(this.env).devices;
  }

  createEnrollmentCode(...rest: Rest<"createEnrollmentCode">): Answer<"createEnrollmentCode"> {
    return this.#devices.createEnrollmentCode(...rest);
  }
  usage(...rest: Rest<"usage">): Answer<"usage"> {
    return this.#devices.usage(...rest);
  }
  listEnrollmentCodes(...rest: Rest<"listEnrollmentCodes">): Answer<"listEnrollmentCodes"> {
    return this.#devices.listEnrollmentCodes(...rest);
  }
  revokeEnrollmentCode(...rest: Rest<"revokeEnrollmentCode">): Answer<"revokeEnrollmentCode"> {
    return this.#devices.revokeEnrollmentCode(...rest);
  }
  openRollout(...rest: Rest<"openRollout">): Answer<"openRollout"> {
    return this.#devices.openRollout(...rest);
  }
  enroll(...rest: Rest<"enroll">): Answer<"enroll"> {
    return this.#devices.enroll(...rest);
  }
  listDevices(...rest: Rest<"listDevices">): Answer<"listDevices"> {
    return this.#devices.listDevices(...rest);
  }
  getDevice(...rest: Rest<"getDevice">): Answer<"getDevice"> {
    return this.#devices.getDevice(...rest);
  }
  renameDevice(...rest: Rest<"renameDevice">): Answer<"renameDevice"> {
    return this.#devices.renameDevice(...rest);
  }
  removeDevice(...rest: Rest<"removeDevice">): Answer<"removeDevice"> {
    return this.#devices.removeDevice(...rest);
  }
  rotateToken(...rest: Rest<"rotateToken">): Answer<"rotateToken"> {
    return this.#devices.rotateToken(...rest);
  }
  sendCommand(...rest: Rest<"sendCommand">): Answer<"sendCommand"> {
    return this.#devices.sendCommand(...rest);
  }
  listCommands(...rest: Rest<"listCommands">): Answer<"listCommands"> {
    return this.#devices.listCommands(...rest);
  }
  telemetry(...rest: Rest<"telemetry">): Answer<"telemetry"> {
    return this.#devices.telemetry(...rest);
  }
  createGroup(...rest: Rest<"createGroup">): Answer<"createGroup"> {
    return this.#devices.createGroup(...rest);
  }
  listGroups(...rest: Rest<"listGroups">): Answer<"listGroups"> {
    return this.#devices.listGroups(...rest);
  }
  getGroup(...rest: Rest<"getGroup">): Answer<"getGroup"> {
    return this.#devices.getGroup(...rest);
  }
  renameGroup(...rest: Rest<"renameGroup">): Answer<"renameGroup"> {
    return this.#devices.renameGroup(...rest);
  }
  removeGroup(...rest: Rest<"removeGroup">): Answer<"removeGroup"> {
    return this.#devices.removeGroup(...rest);
  }
  setGroupDevice(...rest: Rest<"setGroupDevice">): Answer<"setGroupDevice"> {
    return this.#devices.setGroupDevice(...rest);
  }
  setGroupMember(...rest: Rest<"setGroupMember">): Answer<"setGroupMember"> {
    return this.#devices.setGroupMember(...rest);
  }
  removeUser(...rest: Rest<"removeUser">): Answer<"removeUser"> {
    return this.#devices.removeUser(...rest);
  }
}

/** Private binding of studio, for owners and for the operator's word. */
export class Encryption extends WorkerEntrypoint<Env> implements EncryptionRpc {
  describe(call: SignedCall): ReturnType<EncryptionRpc["describe"]> {
    return capabilitiesOf(this.env).encryption.describe(call);
  }
  changeKeeper(call: SignedCall, keeper: KeeperInput): ReturnType<EncryptionRpc["changeKeeper"]> {
    return capabilitiesOf(this.env).encryption.changeKeeper(call, keeper);
  }
  verify(call: SignedCall): ReturnType<EncryptionRpc["verify"]> {
    return capabilitiesOf(this.env).encryption.verify(call);
  }
  rotate(call: SignedCall): ReturnType<EncryptionRpc["rotate"]> {
    return capabilitiesOf(this.env).encryption.rotate(call);
  }
  rewrap(call: SignedCall): ReturnType<EncryptionRpc["rewrap"]> {
    return capabilitiesOf(this.env).encryption.rewrap(call);
  }
}

/** Private binding of studio, for its clock and for the operator's word. */
export class Backups extends WorkerEntrypoint<Env> implements BackupsRpc {
  make(call: SignedCall, order: BackupOrder): ReturnType<BackupsRpc["make"]> {
    return capabilitiesOf(this.env).backups.make(call, order);
  }
  read(call: SignedCall, backup: BackupId, offset: number, length: number): ReturnType<BackupsRpc["read"]> {
    return capabilitiesOf(this.env).backups.read(call, backup, offset, length);
  }
  openKey(call: SignedCall, backup: BackupId): ReturnType<BackupsRpc["openKey"]> {
    return capabilitiesOf(this.env).backups.openKey(call, backup);
  }
  prune(call: SignedCall, keep: readonly BackupId[]): ReturnType<BackupsRpc["prune"]> {
    return capabilitiesOf(this.env).backups.prune(call, keep);
  }
  erase(call: SignedCall): ReturnType<BackupsRpc["erase"]> {
    return capabilitiesOf(this.env).backups.erase(call);
  }
}

type Asked<Method extends keyof DocumentsRpc> = Parameters<DocumentsRpc[Method]>;
type Answered<Method extends keyof DocumentsRpc> = ReturnType<DocumentsRpc[Method]>;

/** Private binding of studio. What may be called, and by whom, is in documents/rights.ts. */
export class Documents extends WorkerEntrypoint<Env> implements DocumentsRpc {
  get #documents(): DocumentsRpc {
    return capabilitiesOf(this.env).documents;
  }

  beginUpload(...rest: Asked<"beginUpload">): Answered<"beginUpload"> {
    return this.#documents.beginUpload(...rest);
  }
  findUpload(...rest: Asked<"findUpload">): Answered<"findUpload"> {
    return this.#documents.findUpload(...rest);
  }
  putPart(...rest: Asked<"putPart">): Answered<"putPart"> {
    return this.#documents.putPart(...rest);
  }
  completeUpload(...rest: Asked<"completeUpload">): Answered<"completeUpload"> {
    return this.#documents.completeUpload(...rest);
  }
  cancelUpload(...rest: Asked<"cancelUpload">): Answered<"cancelUpload"> {
    return this.#documents.cancelUpload(...rest);
  }
  listDocuments(...rest: Asked<"listDocuments">): Answered<"listDocuments"> {
    return this.#documents.listDocuments(...rest);
  }
  getDocument(...rest: Asked<"getDocument">): Answered<"getDocument"> {
    return this.#documents.getDocument(...rest);
  }
  listVersions(...rest: Asked<"listVersions">): Answered<"listVersions"> {
    return this.#documents.listVersions(...rest);
  }
  renameDocument(...rest: Asked<"renameDocument">): Answered<"renameDocument"> {
    return this.#documents.renameDocument(...rest);
  }
  openContent(...rest: Asked<"openContent">): Answered<"openContent"> {
    return this.#documents.openContent(...rest);
  }
  removeDocument(...rest: Asked<"removeDocument">): Answered<"removeDocument"> {
    return this.#documents.removeDocument(...rest);
  }
  restoreDocument(...rest: Asked<"restoreDocument">): Answered<"restoreDocument"> {
    return this.#documents.restoreDocument(...rest);
  }
  addShare(...rest: Asked<"addShare">): Answered<"addShare"> {
    return this.#documents.addShare(...rest);
  }
  listShares(...rest: Asked<"listShares">): Answered<"listShares"> {
    return this.#documents.listShares(...rest);
  }
  removeShare(...rest: Asked<"removeShare">): Answered<"removeShare"> {
    return this.#documents.removeShare(...rest);
  }
  tend(...rest: Asked<"tend">): Answered<"tend"> {
    return this.#documents.tend(...rest);
  }
  expunge(...rest: Asked<"expunge">): Answered<"expunge"> {
    return this.#documents.expunge(...rest);
  }
  erase(...rest: Asked<"erase">): Answered<"erase"> {
    return this.#documents.erase(...rest);
  }
}

/** Private binding of studio. What may be called, and by whom, is in llm/rights.ts. */
export class Llm extends WorkerEntrypoint<Env> implements LlmRpc {
  get #llm(): LlmRpc {
    return capabilitiesOf(this.env).llm;
  }

  listProviders(...rest: Parameters<LlmRpc["listProviders"]>): ReturnType<LlmRpc["listProviders"]> {
    return this.#llm.listProviders(...rest);
  }
  addProvider(...rest: Parameters<LlmRpc["addProvider"]>): ReturnType<LlmRpc["addProvider"]> {
    return this.#llm.addProvider(...rest);
  }
  changeProvider(...rest: Parameters<LlmRpc["changeProvider"]>): ReturnType<LlmRpc["changeProvider"]> {
    return this.#llm.changeProvider(...rest);
  }
  removeProvider(...rest: Parameters<LlmRpc["removeProvider"]>): ReturnType<LlmRpc["removeProvider"]> {
    return this.#llm.removeProvider(...rest);
  }
  namedKey(...rest: Parameters<LlmRpc["namedKey"]>): ReturnType<LlmRpc["namedKey"]> {
    return this.#llm.namedKey(...rest);
  }
  putNamedKey(...rest: Parameters<LlmRpc["putNamedKey"]>): ReturnType<LlmRpc["putNamedKey"]> {
    return this.#llm.putNamedKey(...rest);
  }
  revokeNamedKey(...rest: Parameters<LlmRpc["revokeNamedKey"]>): ReturnType<LlmRpc["revokeNamedKey"]> {
    return this.#llm.revokeNamedKey(...rest);
  }
  models(...rest: Parameters<LlmRpc["models"]>): ReturnType<LlmRpc["models"]> {
    return this.#llm.models(...rest);
  }
  usage(...rest: Parameters<LlmRpc["usage"]>): ReturnType<LlmRpc["usage"]> {
    return this.#llm.usage(...rest);
  }
  complete(...rest: Parameters<LlmRpc["complete"]>): ReturnType<LlmRpc["complete"]> {
    return this.#llm.complete(...rest);
  }
  embed(...rest: Parameters<LlmRpc["embed"]>): ReturnType<LlmRpc["embed"]> {
    return this.#llm.embed(...rest);
  }
}

/** Private binding of studio. What may be called, and by whom, is in billing/rights.ts. */
export class Billing extends WorkerEntrypoint<Env> implements BillingRpc {
  get #billing(): BillingRpc {
    return capabilitiesOf(this.env).billing;
  }

  measure(...rest: Parameters<BillingRpc["measure"]>): ReturnType<BillingRpc["measure"]> {
    return this.#billing.measure(...rest);
  }
  provider(...rest: Parameters<BillingRpc["provider"]>): ReturnType<BillingRpc["provider"]> {
    return this.#billing.provider(...rest);
  }
  checkout(...rest: Parameters<BillingRpc["checkout"]>): ReturnType<BillingRpc["checkout"]> {
    return this.#billing.checkout(...rest);
  }
  portal(...rest: Parameters<BillingRpc["portal"]>): ReturnType<BillingRpc["portal"]> {
    return this.#billing.portal(...rest);
  }
  read(...rest: Parameters<BillingRpc["read"]>): ReturnType<BillingRpc["read"]> {
    return this.#billing.read(...rest);
  }
  end(...rest: Parameters<BillingRpc["end"]>): ReturnType<BillingRpc["end"]> {
    return this.#billing.end(...rest);
  }
}

type Destinations = ExportDestinationsRpc;

/** Private binding of studio. What may be called, and by whom, is in exports/destinations/destinations.ts. */
export class ExportDestinations extends WorkerEntrypoint<Env> implements Destinations {
  prepare(...rest: Parameters<Destinations["prepare"]>): ReturnType<Destinations["prepare"]> {
    return capabilitiesOf(this.env).exportDestinations.prepare(...rest);
  }
  tryOut(...rest: Parameters<Destinations["tryOut"]>): ReturnType<Destinations["tryOut"]> {
    return capabilitiesOf(this.env).exportDestinations.tryOut(...rest);
  }
}

/** No public route leads here; whatever arrives by `fetch` gets the same empty answer. */
export default {
  fetch: (): Response => new Response(null, { status: 404 }),
} satisfies ExportedHandler<Env>;

type Given<Method extends keyof ExportsRpc> = Parameters<ExportsRpc[Method]>;
type Came<Method extends keyof ExportsRpc> = ReturnType<ExportsRpc[Method]>;

/** Private binding of studio. What may be called, and by whom, is in exports/rights.ts. */
export class Exports extends WorkerEntrypoint<Env> implements ExportsRpc {
  get #exports(): ExportsRpc {
    return capabilitiesOf(this.env).exports;
  }

  prepare(...rest: Given<"prepare">): Came<"prepare"> {
    return this.#exports.prepare(...rest);
  }
  open(...rest: Given<"open">): Came<"open"> {
    return this.#exports.open(...rest);
  }
  step(...rest: Given<"step">): Came<"step"> {
    return this.#exports.step(...rest);
  }
  assemble(...rest: Given<"assemble">): Came<"assemble"> {
    return this.#exports.assemble(...rest);
  }
  deliver(...rest: Given<"deliver">): Came<"deliver"> {
    return this.#exports.deliver(...rest);
  }
  discard(...rest: Given<"discard">): Came<"discard"> {
    return this.#exports.discard(...rest);
  }
  erase(...rest: Given<"erase">): Came<"erase"> {
    return this.#exports.erase(...rest);
  }
}
