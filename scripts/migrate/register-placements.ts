import { Client } from "pg";

/** Makes placements known to the control plane; those it knows stay as they are. */
export async function registerPlacements(ownerUrl: string, names: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query("INSERT INTO control.placements (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", [
      names,
    ]);
  } finally {
    await client.end();
  }
}
