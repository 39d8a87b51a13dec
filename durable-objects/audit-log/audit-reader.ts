import { WorkerEntrypoint } from "cloudflare:workers";
import { type Activity, type ActivityQuery, activityDays, zoneMinutes } from "../../core/audit/activity.ts";
import { type AuditEntry, type AuditType, auditTypes } from "../../core/audit/events.ts";
import { auditOutcomes } from "../../core/audit/facets.ts";
import { address as addressField, country as countryField } from "../../core/audit/field.ts";
import { type OrgId, parseId } from "../../core/ids.ts";
import { pageItemsMax } from "../../core/limits.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import {
  type AuditFilter,
  type AuditReaderRpc,
  alertsTellMax,
  followingMax,
  type KeptWafRecord,
} from "../../core/rpc/durable-objects.ts";
import { trafficDaysMax } from "../../core/tenancy/geo-traffic.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import { verifyInward } from "../mesh.ts";
import type { TrafficCount } from "./geo-traffic.ts";

/** Studio decides by its permission table (`audit:read`); a Studio that forgets to is refused here. */
const readers: readonly Role[] = ["owner", "admin", "readonly"];

/** Reading one's own organisation's log, for studio: which organisation is the user's token's word. */
export class AuditReader extends WorkerEntrypoint<Env> implements AuditReaderRpc {
  async list(call: SignedCall, filter: AuditFilter): Promise<{ items: AuditEntry[]; nextBeforeSeq: number | null }> {
    const log = await this.#readable(call);
    const { items, nextBeforeSeq } = await this.env.AUDIT_LOG.getByName(log).list(log, parseFilter(filter));
    return { items, nextBeforeSeq };
  }

  /** Entries after one, for the organisation's own destination. */
  async following(call: SignedCall, afterSeq: number, limit: number): Promise<AuditEntry[]> {
    const log = await this.#streamable(call);
    const counts = Number.isSafeInteger(afterSeq) && afterSeq >= 0 && Number.isSafeInteger(limit);
    if (!counts || limit < 1 || limit > followingMax) throw new RangeError("not a range of entries");
    return await this.env.AUDIT_LOG.getByName(log).following(log, afterSeq, limit);
  }

  /** The newest alerts after an entry, for whoever is told of them. */
  async alerts(call: SignedCall, afterSeq: number): Promise<AuditEntry[]> {
    const log = await this.#streamable(call);
    const filter = { type: "alert", actor: null, fromMs: null, toMs: null, beforeSeq: null } as const;
    const { items } = await this.env.AUDIT_LOG.getByName(log).list(log, { ...filter, limit: alertsTellMax });
    return items.filter(({ seq }) => seq > afterSeq);
  }

  /** How many events of which type came to what in one's own organisation, by the same roles. */
  async activity(call: SignedCall, query: ActivityQuery): Promise<Activity> {
    const log = await this.#readable(call);
    return await this.env.AUDIT_LOG.getByName(log).activity(parseActivityQuery(query));
  }

  /** Where the requests to one's own organisation came from, by the same roles. */
  async traffic(call: SignedCall, days: number = trafficDaysMax): Promise<TrafficCount[]> {
    const log = await this.#readable(call);
    if (!Number.isSafeInteger(days) || days < 1 || days > trafficDaysMax) throw new RangeError("not a number of days");
    return await this.env.AUDIT_LOG.getByName(log).traffic(days);
  }

  /** What the firewall made of the requests to one's own organisation, by the same roles. */
  async waf(call: SignedCall): Promise<KeptWafRecord[]> {
    const log = await this.#readable(call);
    return await this.env.AUDIT_LOG.getByName(log).waf();
  }

  /** The organisation that the clock's job is for. @throws CallRefused */
  async #streamable(call: SignedCall): Promise<OrgId> {
    const expected = { audience: "durable-objects.audit-reader", jobs: ["audit_stream"] } as const;
    const verified = await verifyInward(this.env, call, expected);
    if (verified.kind !== "job" || verified.org === null) throw new CallRefused("wrong_job");
    return verified.org;
  }

  /** The caller's own organisation. @throws CallRefused */
  async #readable(call: SignedCall): Promise<OrgId> {
    const verified = await verifyInward(this.env, call, { audience: "durable-objects.audit-reader", users: true });
    if (verified.kind !== "user") throw new CallRefused("wrong_job");
    if (!readers.includes(verified.role)) throw new CallRefused("not_granted");
    return verified.org;
  }
}

/** @throws RangeError for a filter that the API's own parsing would not let through */
function parseFilter(filter: AuditFilter): AuditFilter {
  const type = filter.type === null ? null : auditTypes.find((known: AuditType) => known === filter.type);
  const actor = filter.actor === null ? null : parseId("user", filter.actor);
  const { fromMs, toMs, beforeSeq, limit } = filter;
  const target = given(filter.target, (text) => parseId("user", text) ?? parseId("device", text));
  const document = given(filter.document, (text) => parseId("document", text));
  const address = given(filter.address, (text) => addressField.parse(text) ?? null);
  const country = given(filter.country, (text) => countryField.parse(text) ?? null);
  const outcome = given(filter.outcome, (text) => auditOutcomes.find((known) => known === text) ?? null);
  const counts = [fromMs, toMs, beforeSeq].every((value) => value === null || Number.isSafeInteger(value));
  const limitOk = Number.isSafeInteger(limit) && limit >= 1 && limit <= pageItemsMax;
  if (type === undefined || (actor === null) !== (filter.actor === null) || !counts || !limitOk) {
    throw new RangeError("not a filter of the audit log");
  }
  return { type, actor, target, document, address, country, outcome, fromMs, toMs, beforeSeq, limit };
}

/** @throws RangeError for a query that the API's own parsing would not let through */
function parseActivityQuery({ days, zone }: ActivityQuery): ActivityQuery {
  const known = activityDays.find((one) => one === days);
  const { min, max, step } = zoneMinutes;
  if (known === undefined || !Number.isSafeInteger(zone) || zone < min || zone > max || zone % step !== 0) {
    throw new RangeError("not a query of a log's activity");
  }
  return { days: known, zone };
}

/** Null or absent: not asked for. @throws RangeError */
function given<T>(value: unknown, parse: (value: unknown) => T | null): T | null {
  if (value === null || value === undefined) return null;
  const parsed = parse(value);
  if (parsed === null) throw new RangeError("not a filter of the audit log");
  return parsed;
}
