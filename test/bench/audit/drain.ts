import { Client } from "pg";
import type { Row } from "../report.ts";
import { median } from "../statistics.ts";
import type { AuditWorld } from "./world.ts";

const entriesARound = 10_000;

/** Entries a second from the log's object through the data Worker and the gateway into the audit table. */
export async function benchDrain(world: AuditWorld, rounds: number): Promise<Row[]> {
  const { id } = world.demo.org;
  const clients = await Promise.all(
    world.databaseUrls.map(async (url) => {
      const client = new Client(url);
      await client.connect();
      return client;
    }),
  );
  const drained = async (): Promise<number> => {
    const query = "SELECT coalesce(max(seq), 0)::int AS n FROM audit.events WHERE log = $1";
    const counts = await Promise.all(clients.map(async (client) => (await client.query(query, [id])).rows[0].n));
    return Math.max(...counts);
  };
  try {
    const rates: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const wanted = (await settled(drained)) + entriesARound;
      await world.fill(id, entriesARound);
      // From here on nothing is appended: what is left is drained alone.
      const from = await drained();
      const startedAt = performance.now();
      let now = from;
      while (now < wanted) {
        if (performance.now() - startedAt > 120_000) throw new Error(`${wanted - now} entries were not drained`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        now = await drained();
      }
      rates.push((wanted - from) / ((performance.now() - startedAt) / 1000));
    }
    const what = `audit: drained to Postgres, ${entriesARound.toLocaleString("en")} waiting`;
    return [{ what, value: `${Math.round(median(rates))} entries/s`, beside: "–" }];
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** The last entry that arrived, once none came for longer than entries wait for company. */
async function settled(drained: () => Promise<number>): Promise<number> {
  for (let last = await drained(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const now = await drained();
    if (now === last) return now;
    last = now;
  }
}
