import type { BillingResult } from "../../../core/rpc/billing.ts";

type RefusalCode = Extract<BillingResult<never>, { readonly ok: false }>["code"];

export function ok<T>(value: T): BillingResult<T> {
  return { ok: true, value };
}

export function refused(code: RefusalCode): BillingResult<never> {
  return { ok: false, code };
}
