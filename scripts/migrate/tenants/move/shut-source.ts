/**
 * What is done to the schema that an organisation leaves: first nobody can write to it any more, then nobody can log
 * in. Each may be repeated, and taken back as long as the directory has not moved.
 */
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { TenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { shutOutStatements } from "../../../../workers/data/provisioner/drop-tenant.ts";
import { markStatements, movingCode } from "../../../../workers/data/provisioner/moving/mark.ts";
import { beginAsProvisioner, type TenantLimits } from "../connections.ts";
import { MoveRefused } from "./move-refused.ts";

/** Shorter than the five seconds that a tenant's own statements wait for a lock. */
const limits: TenantLimits = { lockMs: 3_000, transactionMs: 60_000 };
/** A request lasts ten seconds at most; six tries outlast several behind each other. */
const triesMax = 6;
/** lock_timeout and a deadlock with writers; "tuple concurrently updated": a repair had the role just then. */
const busyCodes = ["55P03", "40P01", "XX000"];

const refusal = "refuse_while_moving";

async function asProvisioner(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(beginAsProvisioner(limits));
      await work();
      await client.query("COMMIT");
      return;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => undefined);
      if (!busyCodes.includes((error as { code?: string }).code ?? "")) throw error;
      if (attempt === triesMax) throw new MoveRefused("busy", "requests hold its tables for too long; try again");
    }
  }
}

async function tablesOf(client: pg.ClientBase, name: TenantIdentifier): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = '${name}'::regnamespace AND relkind IN ('r', 'p')
     ORDER BY relname`,
  );
  return rows.map((row) => `${name}.${row.name}`);
}

/**
 * No statement changes a row of the schema from the commit on, whoever runs it: also functions of the schema that
 * run as its owner, and those that were under way when this began. Reads go on.
 *
 * Rights alone would not do: a function that has begun keeps the rights it began with, and writes after the look of
 * the copy. A trigger is asked by each statement; the lock waits for those that were asked before there was one.
 */
export async function freezeSchema(client: pg.ClientBase, name: TenantIdentifier): Promise<void> {
  await asProvisioner(client, async () => {
    for (const { text } of markStatements(name)) await client.query(text);
    await client.query(`LOCK TABLE ${(await tablesOf(client, name)).join(", ")} IN SHARE ROW EXCLUSIVE MODE`);
    await client.query(`CREATE OR REPLACE FUNCTION ${name}.${refusal}() RETURNS trigger
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $sentinel$ BEGIN
        RAISE EXCEPTION 'the organisation is being moved' USING ERRCODE = '${movingCode}';
      END $sentinel$`);
    await client.query(`REVOKE ALL ON FUNCTION ${name}.${refusal}() FROM PUBLIC`);
    // Again: a partition may have come before its parent was locked.
    for (const table of await tablesOf(client, name))
      await client.query(`CREATE OR REPLACE TRIGGER ${refusal} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION ${name}.${refusal}()`);
  });
}

/** How long ended sessions may take to be gone, in milliseconds. */
const endMsMax = 10_000;

/** Nobody is logged in as the role, or can: whoever still has its address is told so, and asks where it is now. */
export async function shutOut(client: pg.ClientBase, name: TenantIdentifier): Promise<void> {
  for (const endsAt = performance.now() + endMsMax; ; ) {
    await asProvisioner(client, async () => {
      for (const { text, values } of shutOutStatements(name)) await client.query(text, values);
    });
    const { rows } = await client.query<{ open: boolean }>(
      "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1) AS open",
      [name],
    );
    if (rows[0]?.open === false) return;
    if (performance.now() > endsAt) throw new MoveRefused("still_connected", "sessions of its old role do not end");
    await delay(100);
  }
}

/** As it was before: it can be written to, and logged in to. */
export async function openAgain(client: pg.ClientBase, name: TenantIdentifier): Promise<void> {
  await asProvisioner(client, async () => {
    await client.query(`DROP FUNCTION IF EXISTS ${name}.${refusal}() CASCADE`);
    await client.query(`ALTER ROLE ${name} LOGIN`);
    await client.query(`COMMENT ON ROLE ${name} IS NULL`);
  });
}
