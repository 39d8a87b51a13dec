/**
 * Texts that do something if any part of them is ever read as SQL. What they do most often is take a
 * number from {@link canary}: a sequence keeps that through a rollback, so one look at the end tells
 * whether any of them ran. They are short enough for a name, and neither trimmed nor refused for controls.
 */

/** Made by the test, open to every role. */
export const canary = { schema: "canary", sequence: "canary.mark" } as const;

const mark = `nextval('${canary.sequence}')`;
/** The same where a quote can't be written. */
const unquoted = `nextval($$${canary.sequence}$$)`;

/** Ways out of where a value could have been pasted, and into what follows. */
const exits = ["'", "')", "'))", '"', '")', "''", "\\'", "\\''", "$$", "$1", "E'", "1", "1)", "NULL", "%'", "]", "}'"];
const boolean = exits.flatMap((exit) => [`${exit} OR ${mark}>0 --`, `${exit} AND 1=${mark}/*`]);
const stacked = exits.map((exit) => `${exit}; SELECT ${mark} --`);
const unions = exits.flatMap((exit) => [
  `${exit} UNION SELECT ${mark}::text --`,
  `${exit} UNION ALL SELECT NULL,${mark} --`,
]);
const concatenated = ["'", "E'", "B'", "X'", "N'", "U&'"].flatMap((quote) => [
  `${quote}||${mark}||'`,
  `${quote}||(SELECT ${mark})::text||'`,
  `${quote} || CAST(${mark} AS text) || '`,
]);

const comments = [
  `'/**/OR/**/${mark}>0/**/--`,
  `'/*!50000OR*/ ${mark}>0 --`,
  `'--\u00A0OR ${mark}>0`,
  `'/*/*nested*/*/ OR ${mark}>0 --`,
  `*/ OR ${mark}>0 /*`,
  `';--`,
  `'#`,
  `-- ${mark}`,
  `/* ${mark} */`,
];

const quoting = [
  `$$||${unquoted}||$$`,
  `$a$||${mark}||$a$`,
  `$sentinel$; SELECT ${mark}; $sentinel$`,
  `$sentinel_body$; SELECT ${mark}; $sentinel_body$`,
  `$sentinel_migration$; SELECT ${mark}`,
  `U&'\\0027 OR ${mark}>0 --'`,
  `U&"\\0022" OR ${mark}>0 --`,
  `U&'!0027' UESCAPE '!' OR ${mark}>0 --`,
  `E'\\' OR ${mark}>0 --'`,
  `E'\\x27 OR ${mark}>0 --'`,
  `E'\\047 OR ${mark}>0 --'`,
  `E'\\u0027 OR ${mark}>0 --'`,
  `\\x27 OR ${mark}>0 --`,
  `\\u0027 OR ${mark}>0 --`,
  `\\047 OR ${mark}>0 --`,
  `%27 OR ${mark}>0 --`,
  `%2527 OR ${mark}>0 --`,
  `&#39; OR ${mark}>0 --`,
  `\uFF07 OR ${mark}>0 --`,
  `\u02BC OR ${mark}>0 --`,
  `\u2019 OR ${mark}>0 --`,
  `\u00BF' OR ${mark}>0 --`,
  `\u8A92' OR ${mark}>0 --`,
  `\u{1F600}' OR ${mark}>0 --`,
  `\uFEFF' OR ${mark}>0 --`.trim(),
  `+ADs- SELECT ${mark}`,
];

const casts = [
  `${mark}`,
  `(${mark})`,
  `(SELECT ${mark})`,
  `1+(SELECT ${mark})`,
  `CAST(${mark} AS int)`,
  `${mark}::int`,
  `1::int; SELECT ${mark}`,
  `ARRAY[${mark}]`,
  `{${mark}}`,
  `{"a": "${mark}"}`,
  `ROW(${mark})`,
  `CASE WHEN ${mark}>0 THEN 1 END`,
  `1 WHERE ${mark}>0`,
  `1 LIMIT ${mark}`,
  `1 OFFSET ${mark}`,
  `1 RETURNING ${mark}`,
  `1,${mark}`,
  `1 IN (SELECT ${mark})`,
  `EXISTS(SELECT ${mark})`,
  `1 BETWEEN ${mark} AND 2`,
];

const operators = [
  `' || '{}'::jsonb -> (${mark})::text --`,
  `'->>${mark}`,
  `'#>>ARRAY[${mark}::text]`,
  `' @> (SELECT to_jsonb(${mark})) --`,
  `' ? (SELECT ${mark}::text) --`,
  `' @? '$.* ? (@ > 1)' OR ${mark}>0 --`,
  `'&&ARRAY[${mark}]`,
  `' <@ ARRAY[${mark}] --`,
  `' ~ (SELECT ${mark}::text) --`,
  `' LIKE (SELECT ${mark}::text) --`,
  `' SIMILAR TO (SELECT ${mark}::text) --`,
  `' COLLATE "C" = (SELECT ${mark}::text) --`,
  `' OPERATOR(pg_catalog.=) (SELECT ${mark}::text) --`,
  `' IS DISTINCT FROM (SELECT ${mark}::text) --`,
];

const orders = [
  `id; SELECT ${mark}`,
  `id,(SELECT ${mark})`,
  `(CASE WHEN ${mark}>0 THEN id END)`,
  `1 DESC,${mark}`,
  `id ASC NULLS FIRST, ${mark}`,
  `id USING <, ${mark}`,
  `id LIMIT 1 OFFSET ${mark}`,
  `id FOR UPDATE; SELECT ${mark}`,
  `-id`,
  `id desc--`,
  `name) FROM devices; SELECT ${mark} --`,
];

const waiting = exits
  .slice(0, 8)
  .flatMap((exit) => [
    `${exit} OR pg_sleep(3600) IS NULL --`,
    `${exit}; SELECT pg_sleep(3600) --`,
    `${exit}||(SELECT pg_sleep(3600))||'`,
  ]);

const statements = [
  `SELECT set_config('sentinel.scope', 'v1..', false)`,
  `SET sentinel.scope = 'v1.e30.AAAA'`,
  `SELECT set_config('search_path', 'control', false)`,
  `SET search_path = control`,
  `SET ROLE postgres`,
  `RESET ROLE`,
  `SET SESSION AUTHORIZATION postgres`,
  `SET row_security = off`,
  `SET standard_conforming_strings = off`,
  `SET statement_timeout = 0`,
  `ALTER ROLE CURRENT_USER PASSWORD 'x'`,
  `ALTER ROLE CURRENT_USER SET search_path = public`,
  `DROP TABLE devices CASCADE`,
  `DROP SCHEMA CURRENT_SCHEMA CASCADE`,
  `DELETE FROM devices`,
  `TRUNCATE groups CASCADE`,
  `UPDATE devices SET name = 'owned'`,
  `INSERT INTO groups VALUES ('grp_x', 'owned')`,
  `COPY devices TO PROGRAM 'sh -c id'`,
  `COPY devices TO '/tmp/owned'`,
  `COPY devices FROM '/etc/passwd'`,
  `COPY (SELECT ${mark}) TO STDOUT`,
  `SELECT lo_import('/etc/passwd')`,
  `SELECT lo_export(1, '/tmp/owned')`,
  `SELECT lo_create(0)`,
  `SELECT lo_from_bytea(0, '\\x00')`,
  `SELECT pg_read_file('/etc/passwd')`,
  `SELECT pg_ls_dir('.')`,
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity`,
  `SELECT pg_advisory_lock(1)`,
  `SELECT pg_notify('x', 'y')`,
  `LISTEN x`,
  `SELECT dblink('', 'SELECT 1')`,
  `CREATE EXTENSION dblink`,
  `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  `CREATE TEMP TABLE t (i int)`,
  `DO $$ BEGIN PERFORM ${mark}; END $$`,
  `PREPARE p AS SELECT ${mark}`,
  `EXECUTE p`,
  `DEALLOCATE ALL`,
  `DISCARD ALL`,
  `COMMIT`,
  `ROLLBACK`,
  `BEGIN; SELECT ${mark}; COMMIT`,
  `SAVEPOINT s`,
  `LOCK TABLE devices`,
  `VACUUM`,
  `DROP OWNED BY CURRENT_USER`,
  `SELECT query_to_xml('SELECT ${mark}', true, true, '')`,
  `SELECT * FROM pg_authid`,
];
const commands = statements.flatMap((statement) => [`'; ${statement}; --`, `1; ${statement}`]);

const bytes = [
  `\\x27204f52`,
  `\\\\x27`,
  `decode('27','hex')`,
  `convert_from('\\x27','UTF8')`,
  `chr(39)||${mark}`,
  `'::bytea OR ${mark}>0 --`,
  `x'27'`,
  `b'0'`,
  `0x27`,
  `0b1; SELECT ${mark}`,
  `1_000; SELECT ${mark}`,
  `1e308`,
  `NaN`,
  `-0`,
  `null`,
  `undefined`,
  `true`,
  `$1`,
  `$2::text`,
  `\${1}`,
  `:name`,
  `?`,
  `%s`,
  `%I`,
  `%L`,
];

/** The corpus; every text once. */
export const sqlInjections: readonly string[] = [
  ...new Set([
    ...boolean,
    ...stacked,
    ...unions,
    ...concatenated,
    ...comments,
    ...quoting,
    ...casts,
    ...operators,
    ...orders,
    ...waiting,
    ...commands,
    ...bytes,
  ]),
];
