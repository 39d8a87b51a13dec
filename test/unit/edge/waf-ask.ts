import type { EdgeWafRecord } from "../../../core/rpc/durable-objects.ts";
import { defaultWafPolicy, type WafPolicy } from "../../../core/tenancy/waf-policy.ts";
import type { Additions, Admitted } from "../../../workers/edge/gates/gate.ts";
import { geoGate } from "../../../workers/edge/gates/geo.ts";
import { wafGate } from "../../../workers/edge/gates/waf/index.ts";
import { contextOf, orgPolicy } from "./contexts.ts";

export const groups = "/api/v1/orgs/demo/groups";
export const attack = "x' UNION SELECT password FROM users --";

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cf?: Readonly<Record<string, unknown>>;
}

/** Sends one request through the geo gate and the firewall, at an organisation of this policy. */
export async function ask(
  waf: Partial<WafPolicy>,
  { method = "POST", path = groups, body, headers = {}, cf }: Asked = {},
) {
  const org = orgPolicy({ waf: { ...defaultWafPolicy, ...waf } });
  const sent = new Headers({ "CF-Connecting-IP": "203.0.113.9", "User-Agent": "Mozilla/5.0", ...headers });
  if (body !== undefined) sent.set("Content-Type", "application/json");
  const where = { country: "IN", tlsVersion: "TLSv1.3", asn: 55836, ...cf };
  const context = contextOf(`https://s.example${path}`, { init: { method, headers: sent }, org, cf: where });
  const from = await geoGate.judge(context);
  if (from.kind === "deny") throw new Error("the geo gate refused");
  const bytes = body === undefined ? null : new TextEncoder().encode(JSON.stringify(body));
  const added: Pick<Additions, "body" | "geo" | "country"> = { body: bytes, ...from.adds };
  const result = await wafGate.judge({ ...context, ...added } as Admitted);
  const records: EdgeWafRecord[] = [];
  const events = { waf: async (rows: readonly EdgeWafRecord[]) => void records.push(...rows) };
  await context.isolate.wafRecords.reportLater(events, async () => undefined);
  return { verdict: result.kind === "allow" ? "allow" : result.code, records: records.map(({ record }) => record) };
}
export const verdict = async (waf: Partial<WafPolicy>, asked?: Asked) => (await ask(waf, asked)).verdict;
