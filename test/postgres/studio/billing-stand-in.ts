/** What the billing capability answers where studio alone is under test: nobody takes payments, and there is a little of each thing. */
import type { BillingResult } from "../../../core/rpc/billing.ts";

export function billingAnswers(): Record<string, (args: readonly unknown[]) => unknown> {
  const ok = <T>(value: T): BillingResult<T> => ({ ok: true, value });
  return {
    measure: () => ok({ devices: 3, storageBytes: 4096, llmMicros: 250_000, llmKeys: [] }),
    provider: () => ok("invoice"),
    checkout: () => ok({ kind: "requested" }),
    portal: () => ok({ url: "https://payments.test/portal" }),
    read: () => ok({ ok: false, code: "not_genuine" }),
    end: () => ok(null),
  };
}
