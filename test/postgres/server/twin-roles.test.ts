/** The twin of docs/runbooks/database-passwords.md: good for all that the role is good for, while its password changes. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { connect, runAs, setup } from "../support.ts";

const owner = setup.ownerUrls["first"]!;
let twin = "";
afterEach(() => runAs(owner, `DROP ROLE ${twin}`));

describe("a twin of a role of Sentinel's own", () => {
  it.each(["sentinel_control", "sentinel_directory", "sentinel_audit_writer"])(
    "of %s may do what it may, made by an owner that is no superuser, and neither becomes the other",
    async (role) => {
      twin = `${role}_twin_${randomBytes(4).toString("hex")}`;
      const password = randomBytes(24).toString("base64url");
      await runAs(owner, `CREATE ROLE ${twin} LOGIN INHERIT CONNECTION LIMIT 200 PASSWORD '${password}'`);
      await runAs(owner, `GRANT ${role} TO ${twin} WITH INHERIT TRUE, SET FALSE`);
      const url = new URL(owner);
      [url.username, url.password] = [twin, password];
      const client = await connect(url.href);
      const { rows } = await client.query<{ relation: string; same: boolean; any: boolean }>(
        `SELECT c.oid::regclass::text AS relation, bool_and(has_table_privilege(c.oid, p) = has_table_privilege($1::name, c.oid, p)
             AND has_any_column_privilege(c.oid, q) = has_any_column_privilege($1::name, c.oid, q)) AS same,
           bool_or(has_table_privilege(c.oid, p)) AS any
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], ARRAY['SELECT', 'INSERT', 'UPDATE', 'UPDATE']) AS u (p, q)
         WHERE n.nspname IN ('control', 'audit') AND c.relkind IN ('r', 'p') GROUP BY 1`,
        [role],
      );
      await expect(client.query(`SET ROLE ${role}`)).rejects.toMatchObject({ code: "42501" });
      await client.end();
      expect(rows.filter(({ same }) => !same)).toEqual([]);
      expect(rows.some(({ any }) => any)).toBe(true);
    },
  );
});
