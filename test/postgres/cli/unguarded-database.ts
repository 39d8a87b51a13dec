import pg from "pg";
import { migrate } from "../../../scripts/migrate/migrate.ts";
import { setup } from "../support.ts";

export interface UnguardedDatabase {
  readonly ownerUrl: string;
  /** No trigger fires for it, no key and no check of `audit.events` holds: what somebody with the whole server can do. */
  readonly superuser: pg.Client;
}

/** A database of its own, of which these tests take the table's own guards away: no other test may feel that. */
export async function unguardedDatabase(): Promise<UnguardedDatabase> {
  const name = `cli_${crypto.randomUUID().replaceAll("-", "")}`;
  const urlOf = (url: string): string => {
    const parsed = new URL(url);
    parsed.pathname = `/${name}`;
    return parsed.href;
  };
  const superuserUrl = setup.superuserUrls["first"]!;
  const ownerUrl = urlOf(setup.ownerUrls["first"]!);
  const maker = new pg.Client({ connectionString: superuserUrl });
  await maker.connect();
  await maker.query(`CREATE DATABASE ${name} OWNER sentinel_owner TEMPLATE template0`);
  await maker.end();
  await migrate({ databaseUrl: ownerUrl, sets: ["placement"] });
  const superuser = new pg.Client({ connectionString: urlOf(superuserUrl) });
  await superuser.connect();
  await superuser.query("SET session_replication_role = replica");
  await superuser.query("ALTER TABLE audit.events DROP CONSTRAINT events_pkey, DROP CONSTRAINT events_check");
  await superuser.query("ALTER TABLE audit.events DROP CONSTRAINT events_seq_check");
  return { ownerUrl, superuser };
}
