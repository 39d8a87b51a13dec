import { Hono } from "hono";
import { createDatabase, sql } from "../../store/connect.ts";

interface Env {
  readonly DATABASE_URL: string;
  readonly NEON_GATEWAY: string;
}

/** The least a Worker can do for the same rows: no gate, no identity, no audit, no tenant choice. */
const app = new Hono<{ Bindings: Env }>();
app.get("/devices", async (context) => {
  const database = createDatabase({ url: context.env.DATABASE_URL, gateway: context.env.NEON_GATEWAY });
  const rows = await database.query(
    sql`SELECT id, name, platform, enrolled_at, last_seen_at, online FROM bench_devices ORDER BY id LIMIT 50`,
  );
  return context.json({ items: rows, next_cursor: null });
});

export default app;
