import { WorkerEntrypoint } from "cloudflare:workers";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Appended, AuditIntakeRpc, IntentHandle } from "../../../core/rpc/durable-objects.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";

/** What a benchmark puts between studio and the log: on to the log, or an answer at once with nothing written. */
let answersItself = false;

interface SwitchEnv {
  readonly REAL: AuditIntakeRpc;
  readonly AUDIT_LOG: DurableObjectNamespace<AuditLog>;
}

export class Switch extends WorkerEntrypoint<SwitchEnv> implements AuditIntakeRpc {
  async append(call: SignedCall, log: OrgId | null, events: readonly AuditFields[]): Promise<Appended> {
    return answersItself ? { seqs: events.map(() => 1), alerts: 0 } : await this.env.REAL.append(call, log, events);
  }

  async intent(call: SignedCall, log: OrgId | null, event: AuditFields): Promise<IntentHandle> {
    return answersItself ? { log: log ?? "platform-0", seq: 1 } : await this.env.REAL.intent(call, log, event);
  }

  async outcome(
    call: SignedCall,
    intent: IntentHandle,
    event: AuditFields,
    alongside: readonly AuditFields[] = [],
  ): Promise<{ seq: number; alerts: number }> {
    if (answersItself) return { seq: 1, alerts: 0 };
    const { seq, alerts = 0 } = await this.env.REAL.outcome(call, intent, event, alongside);
    return { seq, alerts };
  }

  async erase(call: SignedCall, user: UserId): Promise<{ known: boolean }> {
    return await this.env.REAL.erase(call, user);
  }
}

const event: AuditFields = {
  type: "api_call",
  user_id: "usr_01jd3x2k8hf9v8v3k4m5n6p7qa",
  endpoint: "/api/v1/orgs/{org}/members/{user}",
  method: "PATCH",
  status_code: 200,
  duration_ms: 12,
};
const requestId = "req_01jd3x2k8hf9v8v3k4m5n6p7q9";
const batchMax = 32;

/** `/quiet` and `/real` turn the switch; `/fill?log=&entries=` appends to a log by itself. */
export default {
  async fetch(request: Request, env: SwitchEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/fill") answersItself = pathname === "/quiet";
    else {
      const log = searchParams.get("log") as OrgId;
      const object = env.AUDIT_LOG.getByName(log) as unknown as Pick<AuditLog, "append">;
      for (let left = Number(searchParams.get("entries")); left > 0; left -= batchMax)
        await object.append(
          log,
          requestId,
          Array.from({ length: Math.min(left, batchMax) }, () => event),
        );
    }
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler<SwitchEnv>;
