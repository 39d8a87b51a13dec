import { randomBytes } from "node:crypto";
import pg from "pg";

/**
 * Makes a database beside the owner's, of which no migration set has anything yet.
 * @returns the owner's connection to it
 */
export async function emptyDatabase(ownerUrl: string): Promise<string> {
  const name = `empty_${randomBytes(8).toString("hex")}`;
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  } finally {
    await client.end();
  }
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  return url.href;
}
