import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { createHarness, type Harness, password } from "../../postgres/studio/harness.ts";
import { asSuperuser } from "../../postgres/support.ts";
import { secretOf, trade, whatOpens } from "./support.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const cookie = (secret: string) => ({ Cookie: `__Host-sentinel_session=${secret}` });

describe("a planted session id", () => {
  it("of the attacker's invention is never adopted", async () => {
    const victim = await studio.newAccount();
    const planted = randomBytes(32).toString("base64url");
    const signedIn = await studio.signIn(victim.email, cookie(planted));
    expect(secretOf(signedIn)).not.toBe(planted);
    expect(await trade(studio, planted)).toBe("refused");
    const [row] = await asSuperuser("SELECT count(*)::int AS n FROM control.sessions WHERE user_id = $1", [victim.id]);
    expect(row?.["n"]).toBe(2);
  });

  it("of the attacker's own session becomes nobody's: the victim gets a new one, and the planted one is dead", async () => {
    const [attacker, victim] = [await studio.newAccount(), await studio.newAccount()];
    const signedIn = await studio.signIn(victim.email, cookie(secretOf(attacker)));
    expect(secretOf(signedIn)).not.toBe(secretOf(attacker));
    expect(await whatOpens(studio, attacker)).toEqual([]);
    const me = await studio.send("GET", "/api/v1/me", { token: signedIn.token });
    expect(me.body.user.id).toBe(victim.id);
  });

  it("is taken from no query and no body", async () => {
    const { email } = await studio.newAccount();
    const planted = randomBytes(32).toString("base64url");
    const body = { email, password };
    const answers = [
      await studio.send("POST", `/api/v1/auth/login?session=${planted}`, { body }),
      await studio.send("POST", "/api/v1/auth/login", { body: { ...body, session: planted } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([422, 422]);
  });

  it("is told from the next: no two sign-ins share one, and each is 256 bits", async () => {
    const { email } = await studio.newAccount();
    const seen = new Set<string>();
    for (let time = 0; time < 5; time += 1) seen.add(secretOf(await studio.signIn(email)));
    expect(seen.size).toBe(5);
    for (const secret of seen) expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  });
});
