import { parseLoopbackOrigins } from "../../../../core/outside-address.ts";

/** Parses LOOPBACK_ISSUERS: issuers that development lets through as they are. @throws Error naming the setting */
export const parseLoopbackIssuers = (text: string): ReadonlySet<string> =>
  parseLoopbackOrigins("LOOPBACK_ISSUERS", text);
