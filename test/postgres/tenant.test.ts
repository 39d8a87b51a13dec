import { describe, expect, it } from "vitest";
import { sql } from "../../store/connect.ts";
import { freshTenant, newUserId } from "./support.ts";

describe("a tenant's row scope", () => {
  it("is known inside the tenant's schema while its signature and time hold", async () => {
    const tenant = await freshTenant();
    const user = newUserId();
    const [rows] = await tenant.run("analyst", user, sql`SELECT scope_role() AS role, scope_user() AS "user"`);
    expect(rows).toEqual([{ role: "analyst", user }]);
  });
});
