import type pg from "pg";
import type { Ask } from "../../store/tenant/backup-catalogue.ts";

/** The store's statements over a connection of the operator's own driver. */
export const askedOf =
  (client: pg.ClientBase): Ask =>
  async ({ text, values }) =>
    (await client.query(text, values)).rows;
