/** How an entry is written for a SIEM. Pure: a batch that is sent again is the same, letter for letter. */
import type { AuditEntry } from "../events.ts";
import { outcomeOf } from "../facets.ts";
import { type ShownAuditEntry, shownEntry } from "../shown-entry.ts";

export const streamFormats = ["json", "syslog"] as const;
/** `json`: an entry as the API shows it. `syslog`: {@link SyslogEntry}. */
export type StreamFormat = (typeof streamFormats)[number];

/**
 * An entry in the fields of RFC 5424 section 6, as JSON. Collectors of syslog (rsyslog, Splunk, QRadar) know what
 * these names mean, and their rules by facility and severity work as they are; a line of syslog itself would need
 * a socket to the collector, which no Worker should open into a school's network.
 */
export interface SyslogEntry {
  /** Facility * 8 + severity (section 6.2.1). */
  readonly pri: number;
  readonly version: 1;
  readonly timestamp: string;
  readonly hostname: string;
  readonly "app-name": "sentinel";
  /** The log: what tells apart who speaks (section 6.2.6). */
  readonly procid: string;
  /** The event's type. */
  readonly msgid: string;
  readonly "structured-data": Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly msg: string;
}

/** "log audit" (RFC 5424 section 6.2.1, table 1). */
const facility = 13;
const severities = { alert: 1, warning: 4, informational: 6 } as const;

/**
 * SD-ID of what every entry has, and of the event's own fields. A name of one's own needs an enterprise number
 * (section 7.2.2); we have none, and 32473 is the one that is nobody's (RFC 5612).
 */
export const syslogIds = { entry: "entry@32473", event: "event@32473" } as const;

/** @param hostname whose log it is, as machines in the collector are told apart */
export function formatEntry(entry: AuditEntry, format: StreamFormat, hostname: string): ShownAuditEntry | SyslogEntry {
  return format === "json" ? shownEntry(entry) : syslogEntry(shownEntry(entry), hostname);
}

function syslogEntry(entry: ShownAuditEntry, hostname: string): SyslogEntry {
  const { seq, request_id, phase, intent_seq, result, code, schema_version, leaf_hash, event } = entry;
  const outcome = outcomeOf(entry);
  const { type, ...fields } = event;
  const severity = type === "alert" ? "alert" : outcome === null || outcome === "success" ? "informational" : "warning";
  return {
    pri: facility * 8 + severities[severity],
    version: 1,
    timestamp: entry.at,
    hostname,
    "app-name": "sentinel",
    procid: entry.log,
    msgid: type,
    "structured-data": {
      [syslogIds.entry]: parameters({
        ...{ seq, request_id, phase, intent_seq, result, outcome, code, schema_version, leaf_hash },
      }),
      [syslogIds.event]: parameters(fields),
    },
    msg: outcome === null ? type : `${type} ${outcome}`,
  };
}

/** PARAM-VALUEs are texts (section 6.3.3); what is null is not there. */
function parameters(values: Readonly<Record<string, unknown>>): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
