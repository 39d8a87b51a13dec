import { type OrgId, parseId } from "../ids.ts";
import { platformLogShards } from "./events.ts";

/** A log: an organisation's, or one shard of the platform's. */
export type LogName = OrgId | `platform-${number}`;

/** Which platform log takes a request's events: FNV-1a of the request id, so no log is everybody's. */
export function platformLog(requestId: string): LogName {
  let hash = 0x811c9dc5;
  for (let index = 0; index < requestId.length; index += 1) {
    hash = Math.imul(hash ^ requestId.charCodeAt(index), 0x01000193);
  }
  return `platform-${(hash >>> 0) % platformLogShards}`;
}

/** Every shard of the platform's log. */
export const platformLogs: readonly LogName[] = Array.from(
  { length: platformLogShards },
  (_, shard) => `platform-${shard}` as const,
);

/** Parses a log's name; null for anything that is not one of ours. */
export function parseLogName(text: unknown): LogName | null {
  const org = parseId("org", text);
  if (org !== null) return org;
  for (let shard = 0; shard < platformLogShards; shard += 1) {
    if (text === `platform-${shard}`) return `platform-${shard}`;
  }
  return null;
}

/** The organisation whose log it is; null for a platform log. */
export function orgOfLog(log: LogName): OrgId | null {
  return parseId("org", log);
}
