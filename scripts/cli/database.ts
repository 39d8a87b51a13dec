import { Client } from "pg";
import { verifiedConnection } from "../migrate/verified-connection.ts";
import { CliError, reasonOf } from "./cli-error.ts";

/** How long a server may take to answer a connection, in milliseconds. */
const connectMsMax = 10_000;

/**
 * Runs `work` in one read-only snapshot; nothing that a verb reads can be changed by it.
 * @param name how a message calls the database; its address holds a password and is never said
 * @throws CliError `database_unreachable`, `database_failed`
 */
export async function readSnapshot<T>(name: string, url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    ...verifiedConnection(name, url),
    connectionTimeoutMillis: connectMsMax,
    application_name: "sentinel-cli",
  });
  // A connection that breaks while idle fails the next query; without this it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new CliError("database_unreachable", `${name}: ${reasonOf(error)}`);
  }
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return await work(client);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("database_failed", `${name}: ${reasonOf(error)}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}
