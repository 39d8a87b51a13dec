/** An organisation with something in every table, and what a drill compares. */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import type { Sealing } from "../../../core/backup/chunks.ts";
import { openBackup } from "../../../core/backup/read.ts";
import { type BackupId, makeId, type OrgId } from "../../../core/ids.ts";
import { backUpTenant, type TenantBackup } from "../../../scripts/backup/back-up-tenant.ts";
import { restoreTenant } from "../../../scripts/backup/restore-tenant.ts";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import { asSuperuser, connect, type FreshTenant, setup, tenantMigrations } from "../support.ts";

export type BackupKey = Sealing["backupKey"];
const id = (kind: Parameters<typeof makeId>[0]): string => makeId(kind, Date.now(), randomBytes(10));
export const newBackupId = (): BackupId => makeId("backup", Date.now(), randomBytes(10));

/** Text with everything that a format could trip over. */
export const awkward = "tab\tnewline\nreturn\r back\\slash \\N é 漢 🦕 \u0001 '\"";

/** Rows in every table that a tenant has, with values at the edges of their types. */
export async function fillTenant({ org, name, placement }: FreshTenant, samples = 500): Promise<void> {
  const [code, other, device, second, group] = [
    id("enrollmentCode"),
    id("enrollmentCode"),
    id("device"),
    id("device"),
    id("group"),
  ];
  const hash = (text: string): string => `encode(sha256('${org}${text}'::bytea), 'hex')`;
  // As a superuser: what is arranged here is what telemetry_store and its jobs write, and then some.
  const run = (text: string, values: unknown[] = []): Promise<unknown> => asSuperuser(text, values, placement);
  await run(`INSERT INTO ${name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, uses, created_by, revoked_at) VALUES
    ('${code}', ${hash("a")}, 'all', 'infinity', 100000, 2, 'somebody', NULL),
    ('${other}', ${hash("b")}, 'few', now() + interval '1 microsecond', 1, 0, 'somebody', now())`);
  await run(
    `INSERT INTO ${name}.devices (id, name, platform, token_sha256, public_key, enrollment_code_id, last_seen_at, online) VALUES
    ($1, $2, 'linux', ${hash("t1")}, NULL, $3, '2026-11-22 10:11:12.123456+00', true),
    ($4, 'NULL', E'\\\\N', ${hash("t2")}, 'key', $3, NULL, false)`,
    [device, awkward.slice(0, 100), code, second],
  );
  await run(
    `INSERT INTO ${name}.commands (id, device_id, name, args, issued_by, expires_at, reply, replied_at) VALUES
    ($1, $2, 'say', $3::jsonb, 'somebody', now(), 'null'::jsonb, now()), ($4, $2, 'big', '{}', 'somebody', now(), $5::jsonb, NULL)`,
    [
      id("command"),
      device,
      JSON.stringify({ z: 1, a: awkward.replaceAll("\u0001", ""), n: [1e308, 0.1, -0] }),
      id("command"),
      JSON.stringify(randomBytes(300_000).toString("base64").replaceAll("+", "\\")),
    ],
  );
  await run(`INSERT INTO ${name}.groups (id, name) VALUES ('${group}', 'g')`);
  await run(`INSERT INTO ${name}.group_devices VALUES ('${group}', '${device}')`);
  await run(`INSERT INTO ${name}.group_members VALUES ('${group}', 'usr_someone')`);
  const [document, version] = [id("document"), id("upload")];
  await run(
    `INSERT INTO ${name}.documents (id, name, owner_id, wrapped_key, current_version, deleted_at, deleted_by, name_terms, text_terms) VALUES
    ($1, $2, 'usr_someone', 'w1.x', $3, NULL, NULL, array_to_tsvector(ARRAY['हिन्दी', 'it''s', $4]), to_tsvector('english', 'running')),
    ($5, 'gone', 'usr_someone', 'w1.y', NULL, now(), 'usr_someone', '', '')`,
    [document, awkward, version, awkward.slice(0, 40), id("document")],
  );
  await run(
    `INSERT INTO ${name}.document_versions (id, document_id, number, size_bytes, declared_type, media_type, active, upload, created_by, completed_at) VALUES
    ($1, $2, 1, 1073741824, 'text/html', 'text/html', true, $3, 'usr_someone', now()),
    ($4, $2, NULL, 0, 'x', NULL, NULL, 'u', 'usr_someone', NULL)`,
    [version, document, awkward, id("upload")],
  );
  await run(`INSERT INTO ${name}.document_parts VALUES ('${version}', 128, 'etag')`);
  await run(
    `INSERT INTO ${name}.document_shares (id, document_id, grantee_kind, grantee, until, created_by) VALUES
    ('${id("share")}', '${document}', 'role', 'viewer', 'infinity', 'usr_someone'),
    ('${id("share")}', '${document}', 'group', '${group}', NULL, 'usr_someone')`,
  );
  const llm = id("llmProvider");
  await run(
    `INSERT INTO ${name}.llm_providers (id, name, kind, base_url, key_sealed, key_fingerprint, previous_sealed, previous_fingerprint,
      previous_until, grace_days, models, roles, monthly_budget, place, masks, created_by) VALUES
    ($1, $2, 'openai', 'https://x.test', 's1.x', repeat('0', 16), NULL, NULL, NULL, 0, '[{"name":"a"}]', '{}', 1000000000000, 0, true, 'usr_someone'),
    ($3, 'two', 'anthropic', 'https://x.test', 's1.x', repeat('0', 16), 's1.y', repeat('f', 16), 'infinity', 30, '[{"name":"a"}]', '{owner,viewer}', 0, 1, false, 'usr_someone')`,
    [llm, awkward.slice(0, 60), id("llmProvider")],
  );
  await run(
    `INSERT INTO ${name}.llm_providers (id, name, kind, base_url, key_sealed, key_fingerprint, key_since, grace_days, models, roles,
      monthly_budget, place, masks, created_by) VALUES
    ($1, 'three', 'workers_ai', NULL, NULL, NULL, NULL, NULL, '[{"name":"a"}]', '{owner}', 5, 2, true, 'usr_someone')`,
    [id("llmProvider")],
  );
  await run(
    `INSERT INTO ${name}.llm_months VALUES ('${llm}', '2026-11-01', 7, false), ('${llm}', '2026-10-01', 8, true)`,
  );
  await run(`INSERT INTO ${name}.llm_usage VALUES ('2026-11-01', 'usr_someone', '${llm}', 'a', 1, 2, 3, 4)`);
  await run(`INSERT INTO ${name}.operation_receipts (request_id) VALUES ('req_1')`);
  await run(`UPDATE ${name}.telemetry_policy SET raw_days = 31, raw_begins = '2020-01-01'`);
  await run(`SELECT ${name}.telemetry_make_days(ARRAY(SELECT current_date - n FROM generate_series(0, 2) n))`);
  await run(`INSERT INTO ${name}.telemetry (device_id, sample_id, at, received_at, metrics)
    SELECT '${device}', 's' || n, date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - (n % 48) * interval '1 hour' + n * interval '1 microsecond', now(),
      jsonb_build_object('cpu', n / 7.0, 'free', 12345678901234567890, 'n', n) FROM generate_series(1, ${samples}) n`);
  await run(
    `SELECT ${name}.telemetry_partition('telemetry_minutes', 'telemetry_minutes_m202611', '2026-11-01 00:00+00', '2026-12-01 00:00+00')`,
  );
  await run(
    `SELECT ${name}.telemetry_partition('telemetry_hours', 'telemetry_hours_y2026', '2026-01-01 00:00+00', '2027-01-01 00:00+00')`,
  );
  for (const table of ["telemetry_minutes", "telemetry_hours"])
    await run(
      `INSERT INTO ${name}.${table} VALUES ('${device}', '2026-11-22 00:00+00', 'cpu', '{0,3}', '{1,2}', '{0.1,123456789012345678901234567890.5}', '{-1,NaN}', '{1,2}')`,
    );
  await run(`INSERT INTO ${name}.telemetry_dirty VALUES ('${device}', '2026-11-22 00:00+00')`);
  await run(`INSERT INTO ${name}.telemetry_retimed VALUES ('${device}', 's', now())`);
  await run(`INSERT INTO ${name}.telemetry_removed VALUES ('dev_gone', now(), NULL)`);
}

/** Each table's rows as text, sorted, counted and hashed by the server; partitions one by one. Scope keys are each organisation's own. */
export async function contentOf({ name, placement }: FreshTenant): Promise<Record<string, string>> {
  const tables = (await asSuperuser(
    `SELECT relname FROM pg_class WHERE relnamespace = '${name}'::regnamespace AND relkind = 'r'
       AND relname NOT IN ('schema_migrations', 'scope_key') ORDER BY relname`,
    [],
    placement,
  )) as { relname: string }[];
  const found: Record<string, string> = {};
  for (const { relname } of tables) {
    const [row] = await asSuperuser(
      `SELECT count(*) || ' ' || coalesce(encode(sha256(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")::bytea), 'hex'), '')
         AS content FROM (SELECT t::text FROM ${name}.${relname} t) t`,
      [],
      placement,
    );
    found[relname] = String(row?.["content"]);
  }
  return found;
}

export const ownerOf = ({ placement }: FreshTenant): Promise<pg.Client> => connect(setup.ownerUrls[placement]!);

export async function backUp(
  tenant: FreshTenant,
  key: BackupKey,
  whileOpen: () => Promise<void> = async () => undefined,
): Promise<{ file: Buffer; header: TenantBackup["header"] }> {
  const clients = [await ownerOf(tenant), await ownerOf(tenant), await connect(setup.ownerUrls["first"]!)] as const;
  try {
    const [client, audit, control] = clients;
    const { bytes, header } = await backUpTenant({
      org: tenant.org,
      backup: newBackupId(),
      key,
      tenant: client,
      audit,
      control,
      hub: null,
      nowMs: Date.now(),
    });
    await whileOpen();
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) pieces.push(piece);
    return { file: Buffer.concat(pieces), header };
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  }
}

export async function* piecesOf(file: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += 65_536) yield file.subarray(at, at + 65_536);
}

export async function restore(
  tenant: FreshTenant,
  file: Uint8Array,
  key: BackupKey,
  migrations: readonly TenantMigration[] = tenantMigrations,
  into: OrgId = tenant.org,
): Promise<{ rows: number }> {
  const client = await ownerOf(tenant);
  try {
    return await restoreTenant({ backup: await openBackup(piecesOf(file)), key, into, client, migrations });
  } finally {
    await client.end();
  }
}
