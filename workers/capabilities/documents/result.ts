import type { DocumentResult } from "../../../core/rpc/documents.ts";

type RefusalCode = Exclude<Extract<DocumentResult<never>, { readonly ok: false }>["code"], "invalid_range">;

export function ok<T>(value: T): DocumentResult<T> {
  return { ok: true, value };
}

export function refused(code: RefusalCode): DocumentResult<never> {
  return { ok: false, code };
}
