import { randomBytes } from "node:crypto";
import { asOwner } from "../owner.ts";

/**
 * Makes a database beside the owner's, of which no migration set has anything yet.
 * @returns the owner's connection to it
 */
export async function emptyDatabase(ownerUrl: string): Promise<string> {
  const name = `empty_${randomBytes(8).toString("hex")}`;
  await asOwner(ownerUrl, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  return url.href;
}
