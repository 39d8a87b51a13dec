import type { ExportsResult } from "../../../core/rpc/exports.ts";

export const ok = <T>(value: T): ExportsResult<T> => ({ ok: true, value });

export const refused = (code: Extract<ExportsResult<never>, { readonly ok: false }>["code"]): ExportsResult<never> => ({
  ok: false,
  code,
});
