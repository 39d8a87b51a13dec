/** What owners and admins do with destinations of exports. Studio keeps them; what opens their secrets is here alone. */
import { KeyUnavailable } from "../../../../core/crypto/key-wrapper.ts";
import { parseId } from "../../../../core/ids.ts";
import type { SignedCall } from "../../../../core/mesh/claims.ts";
import type { DestinationResult, ExportDestinationsRpc } from "../../../../core/rpc/export-destinations.ts";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { admitTenantCall, type TenantCall, type TenantCallDependencies } from "../../tenant-call.ts";
import type { DeliveryDependencies } from "./bucket-port.ts";
import { isSecret, isTarget, sealSecret, testTarget } from "./target-port.ts";

export interface DestinationsDependencies extends TenantCallDependencies {
  readonly delivery: DeliveryDependencies;
}

/** The second of two locks: studio has decided before. No job may call anything here. */
const managers: readonly Role[] = ["owner", "admin"];

type Refused = Extract<DestinationResult<unknown>, { ok: false }>;
const refused = (code: Refused["code"]): Refused => ({ ok: false, code });

/** The capability: every method is admission, then its work. */
export function createExportDestinations(dependencies: DestinationsDependencies): ExportDestinationsRpc {
  const { delivery } = dependencies;
  const expect = { audience: "capabilities.export-destinations", users: true, jobs: [], once: true } as const;
  const mayCall = (actor: TenantCall["scope"]["actor"]): boolean =>
    actor.kind === "user" && managers.includes(actor.role);

  async function admitted<T>(
    call: SignedCall,
    work: (context: TenantCall) => Promise<DestinationResult<T>>,
  ): Promise<DestinationResult<T>> {
    const context = await admitTenantCall(dependencies, expect, mayCall, call);
    if (context === null) return refused("forbidden");
    try {
      return await work(context);
    } catch (error) {
      if (error instanceof KeyUnavailable) return refused("key_unavailable");
      throw error;
    }
  }

  return {
    prepare: (call, id, settings, secret) =>
      admitted(call, async ({ dataKeys }) => {
        if (parseId("exportDestination", id) === null) return refused("invalid_request");
        if (!isTarget(settings, delivery.loopback)) return refused("invalid_request");
        if (secret === null) return { ok: true, value: null };
        if (!isSecret(settings, secret)) return refused("invalid_request");
        return { ok: true, value: await sealSecret(dataKeys, id, secret) };
      }),
    tryOut: (call, target) =>
      admitted(call, async ({ dataKeys, scope }) => {
        if (parseId("exportDestination", target.id) === null) return refused("invalid_request");
        // No two requests have the same id, so no two tests are one message.
        return { ok: true, value: await testTarget(delivery, dataKeys, target, scope.requestId) };
      }),
  };
}
