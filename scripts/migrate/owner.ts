import { Client } from "pg";
import { verifiedConnection } from "./verified-connection.ts";

/**
 * Lends a connection of its own to some work and ends it, whatever becomes of the work.
 * @param databaseUrl the owner's, direct and not through a pooler
 */
export async function asOwner<T>(databaseUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    ...verifiedConnection("the owner's connection", databaseUrl),
    application_name: "sentinel-migrate",
  });
  // A session that the server ended while it waited for something else: the next statement fails, not the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
