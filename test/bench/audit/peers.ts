import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { Go } from "./peer/go.ts";

/** Something else that makes entries durable. */
export interface AppendPeer {
  readonly name: string;
  /** Calls under way at once that it can be asked for. */
  readonly lanesMax: number;
  /** Entries per second, each call durable when it returns. */
  rate(calls: number, batch: number, lanes: number): Promise<number>;
}

/** The columns of audit.events, as wide as an entry of the benchmark is. */
const row = [
  "2026-11-23T03:04:05.678Z",
  "req_01jd3x2k8hf9v8v3k4m5n6p7q9",
  "event",
  null,
  null,
  "api_call",
  "x".repeat(430),
  "0".repeat(64),
] as const;
const columns = "(occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash)";

/** A plain INSERT into a table of the same columns with a key that counts up: no trigger, no partition, no hash. */
export async function postgresPeer(url: string): Promise<AppendPeer & { stop(): Promise<void> }> {
  const connect = async (): Promise<Client> => {
    const client = new Client(url);
    await client.connect();
    return client;
  };
  const clients = await Promise.all(Array.from({ length: 16 }, connect));
  const table = `bench_${randomBytes(6).toString("hex")}`;
  await clients[0]?.query(`CREATE TABLE ${table} (seq bigserial PRIMARY KEY, occurred_at timestamptz, request_id text,
    phase text, intent_seq bigint, result text, type text, leaf_json text, leaf_hash text)`);
  return {
    name: "INSERT into Postgres",
    lanesMax: clients.length,
    async rate(calls, batch, lanes) {
      const values = Array.from({ length: batch }, () => row).flat();
      const places = Array.from(
        { length: batch },
        (_, index) => `(${row.map((_, at) => `$${index * row.length + at + 1}`).join(", ")})`,
      );
      const text = `INSERT INTO ${table} ${columns} VALUES ${places.join(", ")}`;
      let next = 0;
      const startedAt = performance.now();
      await Promise.all(
        clients.slice(0, lanes).map(async (client) => {
          for (let call = next++; call < calls; call = next++) await client.query({ name: `b${batch}`, text, values });
        }),
      );
      return (calls * batch) / ((performance.now() - startedAt) / 1000);
    },
    stop: async () => {
      await clients[0]?.query(`DROP TABLE ${table}`);
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

/** The code of Go's checksum database, writing to one file that is flushed at each call; null without Go. */
export function tlogPeer(go: Go | null): AppendPeer {
  return {
    name: "golang.org/x/mod/sumdb/tlog",
    // It is a library under one writer: calls at once would wait for each other.
    lanesMax: go === null ? 0 : 1,
    rate: async (calls, batch) => Number((await go?.run("append", `${calls}`, `${batch}`))?.["rate"]),
  };
}
