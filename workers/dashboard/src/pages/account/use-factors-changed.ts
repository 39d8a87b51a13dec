import { useQueryClient } from "@tanstack/react-query";
import { passkeysKey, securityKey, sessionsKey } from "../../api/account.ts";
import { meKey } from "../../api/auth.ts";
import { useShowRecoveryCodes } from "../../components/recovery-codes.tsx";

/**
 * After a factor came or went: shows the recovery codes that came along, and only once they are kept
 * reads anew what the organisations ask for, for that may take the page away.
 */
export function useFactorsChanged(): (codes: readonly string[] | null) => Promise<void> {
  const client = useQueryClient();
  const show = useShowRecoveryCodes();
  return async (codes) => {
    if (codes !== null && codes.length > 0) await show(codes);
    await Promise.all(
      [securityKey, passkeysKey, sessionsKey, meKey].map((queryKey) => client.invalidateQueries({ queryKey })),
    );
  };
}
