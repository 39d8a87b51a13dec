import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import type { AuditFields } from "../../../core/audit/events.ts";
import { type LogName, parseLogName } from "../../../core/audit/logs.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";

/** The audit log's object in the runtime that it has, beside an object that only inserts rows of the same size. */
export { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
export { KeyRing } from "../../../durable-objects/key-ring/key-ring.ts";

/** What is measured is the object, so nothing is drained. */
export class AwaySink extends WorkerEntrypoint {
  async write(): Promise<void> {
    throw new Error("away");
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

/** A row as wide as an entry, without its hashes, indexes and rules. */
export class PlainRows extends DurableObject {
  async append(count: number): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      const { sql } = this.ctx.storage;
      sql.exec("CREATE TABLE IF NOT EXISTS rows (seq INTEGER PRIMARY KEY, request_id TEXT, event TEXT, leaf TEXT)");
      const text = JSON.stringify(event);
      for (let row = 0; row < count; row += 1)
        sql.exec("INSERT INTO rows (request_id, event, leaf) VALUES (?, ?, ?)", requestId, text, text.padEnd(600));
    });
    await this.ctx.storage.sync();
  }
}

interface BenchEnv {
  readonly AUDIT_LOG: DurableObjectNamespace<AuditLog>;
  readonly PLAIN: DurableObjectNamespace<PlainRows>;
}

/**
 * `?what=log|plain&log=&calls=&batch=&lanes=` appends, `lanes=0` nothing; answers how much of the log is signed. With
 * `once` it answers when one entry is durable, and nothing else: `what=none` is what such a call costs by itself.
 */
export default {
  async fetch(request: Request, env: BenchEnv): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const number = (name: string): number => Number(searchParams.get(name));
    const log = parseLogName(searchParams.get("log")) as LogName;
    const audit = env.AUDIT_LOG.getByName(log) as unknown as Pick<AuditLog, "append" | "alarm" | "checkpoint">;
    const batch = Array.from({ length: number("batch") }, () => event);
    const append = async (): Promise<unknown> =>
      searchParams.get("what") === "log"
        ? await audit.append(log, requestId, batch)
        : await env.PLAIN.getByName(log).append(batch.length);
    if (searchParams.has("once")) {
      if (searchParams.get("what") !== "none") await append();
      return new Response(null, { status: 204 });
    }
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let call = next++; call < number("calls"); call = next++) await append();
    };
    await Promise.all(Array.from({ length: number("lanes") }, lane));
    return Response.json((await audit.checkpoint())?.size ?? 0);
  },
} satisfies ExportedHandler<BenchEnv>;
