import type { Result } from "../../../core/rpc/capabilities.ts";

type RefusalCode = Extract<Result<never>, { readonly ok: false }>["code"];

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refused(code: RefusalCode): Result<never> {
  return { ok: false, code };
}
