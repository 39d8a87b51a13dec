/** An organisation's providers of language models. Row-level security says who may change and who may ask them. */
import type { LlmProviderId, UserId } from "../../core/ids.ts";
import {
  askingRoles,
  type KeyedSettings,
  keyedKinds,
  type ModelPrice,
  type PlatformSettings,
  type ProviderSettings,
  providersMax,
} from "../../core/llm/provider.ts";
import { type Row, type Statement, sql } from "../connect.ts";
import { booleanColumn, idColumn, instantColumn, instantOrNullColumn, integerColumn, textColumn } from "./columns.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** A provider with its keys as they lie there: sealed. */
export type StoredProvider = KeyedProvider | PlatformProvider;
export interface KeyedProvider extends KeyedSettings, Stored {
  readonly key: StoredKey & { readonly since: string };
  readonly previous: (StoredKey & { readonly until: string }) | null;
}
export interface PlatformProvider extends PlatformSettings, Stored {
  readonly key: null;
  readonly previous: null;
}
interface Stored {
  readonly id: LlmProviderId;
  readonly spentMicros: number;
  readonly createdBy: UserId;
  readonly createdAt: string;
}
export interface StoredKey {
  readonly sealed: string;
  readonly fingerprint: string;
}

/** The month that the database is in, in UTC: one clock for every isolate. */
export const thisMonth = sql`date_trunc('month', now() AT TIME ZONE 'UTC')::date`;

const columns = sql`p.id, p.name, p.kind, p.base_url, p.key_sealed, p.key_fingerprint, p.key_since, p.previous_sealed,
  p.previous_fingerprint, p.previous_until, p.grace_days, p.models, p.roles, p.monthly_budget::double precision AS monthly_budget,
  p.place, p.masks, p.created_by, p.created_at,
  coalesce((SELECT m.committed FROM llm_months m WHERE m.provider_id = p.id AND m.month = ${thisMonth}), 0)::double precision
    AS spent`;

/** In the order in which they are asked. */
export async function listProviders(database: TenantDatabase): Promise<StoredProvider[]> {
  const [rows] = await database.read(
    sql`SELECT ${columns} FROM llm_providers p ORDER BY p.place, p.id LIMIT ${providersMax}`,
  );
  return (rows ?? []).map(providerOf);
}

/** Null when there is one of that name, or there are as many as there may be. */
export async function addProvider(
  database: TenantDatabase,
  given: {
    readonly id: LlmProviderId;
    readonly by: UserId;
    readonly settings: ProviderSettings;
    /** Null for the platform's own models; the table refuses every other mixture. */
    readonly key: StoredKey | null;
  },
): Promise<StoredProvider | null> {
  const { id, by, settings, key } = given;
  // Who adds waits for who adds: the limit counts all of them.
  const lock = sql`LOCK TABLE llm_providers IN SHARE ROW EXCLUSIVE MODE`;
  const work = sql`work AS (
    INSERT INTO llm_providers (id, name, kind, base_url, key_sealed, key_fingerprint, key_since, grace_days, models, roles,
      monthly_budget, place, masks, created_by)
    SELECT ${id}::text, ${settings.name}::text, ${settings.kind}::text, ${settings.baseUrl}::text, ${key?.sealed ?? null}::text, ${key?.fingerprint ?? null}::text,
      CASE WHEN ${key !== null}::boolean THEN now() END,
      ${settings.graceDays}::integer, ${JSON.stringify(settings.models)}::jsonb, ${[...settings.roles]}::text[],
      ${settings.monthlyBudgetMicros}::bigint, ${settings.place}::integer, ${settings.masks}::boolean, ${by}::text
    WHERE (SELECT count(*) FROM llm_providers) < ${providersMax}
    ON CONFLICT (name) DO NOTHING RETURNING id)`;
  const [, rows] = await database.writeBehind(lock, work, oneOf(id));
  const row = rows?.[0];
  return row === undefined ? null : providerOf(row);
}

/**
 * Changes settings as a whole and, where there is a new key, the key: the one before stays valid as long as it is said. What has
 * no key never becomes what has one, nor the other way round.
 * @param sentTo where the decision found it: a key never goes to an address that changed meanwhile
 * @param key.overlapDays 0: the key before ends at once
 */
export async function changeProvider(
  database: TenantDatabase,
  id: LlmProviderId,
  settings: ProviderSettings,
  sentTo: string | null,
  key: (StoredKey & { readonly overlapDays: number }) | null,
): Promise<StoredProvider | "not_found" | "conflict"> {
  const rotated =
    key === null
      ? sql``
      : sql`, key_sealed = ${key.sealed}, key_fingerprint = ${key.fingerprint}, key_since = now(),
        previous_sealed = CASE WHEN ${key.overlapDays}::integer > 0 THEN key_sealed END,
        previous_fingerprint = CASE WHEN ${key.overlapDays}::integer > 0 THEN key_fingerprint END,
        previous_until = CASE WHEN ${key.overlapDays}::integer > 0 THEN now() + make_interval(days => ${key.overlapDays}) END`;
  const [done, rows] = await database.write(
    sql`work AS (
      UPDATE llm_providers p SET name = ${settings.name}, kind = ${settings.kind}, base_url = ${settings.baseUrl}, grace_days = ${settings.graceDays},
        models = ${JSON.stringify(settings.models)}::jsonb, roles = ${[...settings.roles]}::text[],
        monthly_budget = ${settings.monthlyBudgetMicros}, place = ${settings.place}, masks = ${settings.masks} ${rotated}
      WHERE p.id = ${id} AND p.base_url IS NOT DISTINCT FROM ${sentTo}::text AND NOT EXISTS (SELECT FROM llm_providers o WHERE o.name = ${settings.name} AND o.id <> p.id)
      RETURNING p.id)`,
    oneOf(id),
  );
  const row = rows?.[0];
  if (row === undefined) return "not_found";
  return done?.length === 1 ? providerOf(row) : "conflict";
}

/** Null when there is none that the actor may take away. */
export async function removeProvider(
  database: TenantDatabase,
  id: LlmProviderId,
): Promise<{ readonly hadKey: boolean } | null> {
  const [rows] = await database.write(
    sql`work AS (DELETE FROM llm_providers WHERE id = ${id} RETURNING key_sealed IS NOT NULL AS had_key)`,
  );
  const row = rows?.[0];
  return row === undefined ? null : { hadKey: booleanColumn(row, "had_key") };
}

const oneOf = (id: LlmProviderId): Statement => sql`SELECT ${columns} FROM llm_providers p WHERE p.id = ${id}`;

/** @throws for a row that is neither whole: the table refuses it, and here it would be a key that is missing */
function providerOf(row: Row): StoredProvider {
  const common = {
    id: idColumn("llmProvider", row, "id"),
    name: textColumn(row, "name"),
    models: modelsColumn(row),
    roles: rolesColumn(row),
    monthlyBudgetMicros: integerColumn(row, "monthly_budget"),
    place: integerColumn(row, "place"),
    masks: booleanColumn(row, "masks"),
    spentMicros: integerColumn(row, "spent"),
    createdBy: idColumn("user", row, "created_by"),
    createdAt: instantColumn(row, "created_at"),
  };
  if (row["kind"] === "workers_ai") {
    if (keyColumns.some((column) => row[column] !== null)) throw new Error("a provider without a key has one");
    return { ...common, kind: "workers_ai", baseUrl: null, graceDays: null, key: null, previous: null };
  }
  const kind = keyedKinds.find((known) => known === row["kind"]);
  if (kind === undefined) throw new Error("the column kind holds something that was never written to it");
  const until = instantOrNullColumn(row, "previous_until");
  return {
    ...common,
    kind,
    baseUrl: textColumn(row, "base_url"),
    graceDays: integerColumn(row, "grace_days"),
    key: {
      sealed: textColumn(row, "key_sealed"),
      fingerprint: textColumn(row, "key_fingerprint"),
      since: instantColumn(row, "key_since"),
    },
    previous:
      until === null
        ? null
        : { sealed: textColumn(row, "previous_sealed"), fingerprint: textColumn(row, "previous_fingerprint"), until },
  };
}

const keyColumns = ["base_url", "key_sealed", "key_fingerprint", "key_since", "grace_days", "previous_sealed"] as const;

function modelsColumn(row: Row): ModelPrice[] {
  const models: unknown = row["models"];
  if (!Array.isArray(models)) throw new Error("the column models holds something that was never written to it");
  return models.map((model: Row) => ({
    name: textColumn(model, "name"),
    upstream: textColumn(model, "upstream"),
    inputMicros: integerColumn(model, "inputMicros"),
    outputMicros: integerColumn(model, "outputMicros"),
    ...(model["assumed"] === true ? { assumed: true } : {}),
  }));
}

function rolesColumn(row: Row): ProviderSettings["roles"] {
  const names: unknown = row["roles"];
  if (!Array.isArray(names)) throw new Error("the column roles holds something that was never written to it");
  return askingRoles.filter((role) => names.includes(role));
}
