import { beforeAll, describe, expect, it } from "vitest";
import { type Account, createHarness, type Harness, operatorToken } from "../../postgres/studio/harness.ts";
import { asSuperuser } from "../../postgres/support.ts";
import { whatOpens } from "./support.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

interface Scene {
  readonly org: { readonly id: string; readonly owner: Account };
  readonly victim: Account;
}
/** What somebody does, after which nothing of the victim's first session may open anything. */
const endings: [string, (scene: Scene) => Promise<{ status: number }>][] = [
  ["signing out", ({ victim }) => studio.send("POST", "/api/v1/auth/logout", { token: victim.token })],
  [
    "signing out at the organisation's own door",
    ({ org, victim }) => studio.send("POST", `/api/v1/orgs/${org.id}/auth/logout`, { token: victim.token }),
  ],
  [
    "ending all others from another browser",
    async ({ victim }) => {
      const { token } = await studio.signIn(victim.email);
      return studio.send("DELETE", "/api/v1/me/sessions", { token });
    },
  ],
  [
    "ending this one from another browser",
    async ({ victim }) => {
      const listed = await studio.send("GET", "/api/v1/me/sessions", { token: victim.token });
      const { token } = await studio.signIn(victim.email);
      return studio.send("DELETE", `/api/v1/me/sessions/${listed.body.items[0].id}`, { token });
    },
  ],
  [
    "an administrator's ending them",
    ({ org, victim }) =>
      studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${victim.id}/sessions`, { token: org.owner.token }),
  ],
  [
    "being disabled in one organisation",
    ({ org, victim }) =>
      studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${victim.id}`, {
        token: org.owner.token,
        body: { disabled: true },
      }),
  ],
  [
    "being removed from one organisation",
    ({ org, victim }) =>
      studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${victim.id}`, { token: org.owner.token }),
  ],
  [
    "being disabled by the operator",
    ({ victim }) =>
      studio.send("POST", "/api/v1/operator/users/disable", { token: operatorToken, body: { email: victim.email } }),
  ],
];

describe("what was copied from a session", () => {
  it("opens everything while it lives", async () => {
    expect(await whatOpens(studio, await studio.newAccount())).toEqual(["cookie", "access token", "refresh token"]);
  });

  it.each(endings)("opens nothing after %s", async (_what, end) => {
    const org = await studio.newOrg();
    const victim = await studio.newMember(org, "viewer");
    const { status } = await end({ org, victim });
    expect(status).toBeLessThan(300);
    expect(await whatOpens(studio, victim)).toEqual([]);
    // Each door is shut by itself, so that one of them being forgotten some day opens nothing.
    const [row] = await asSuperuser(
      `SELECT count(*)::int AS n FROM control.sessions s JOIN control.refresh_families f ON f.session_id = s.id
       WHERE s.user_id = $1 AND s.ended_at IS NOT NULL AND f.revoked_at IS NULL`,
      [victim.id],
    );
    expect(row?.["n"]).toBe(0);
  });

  it("is not finished by a second step that was open when all ended: its first step passed before", async () => {
    const org = await studio.newOrg();
    const victim = await studio.newMember(org, "viewer");
    await asSuperuser(
      `INSERT INTO control.ceremonies (token_hash, kind, user_id, data, created_at, expires_at)
       VALUES (encode(sha256(convert_to($1, 'UTF8')), 'hex'), 'mfa', $1, '{}', now(), now() + interval '5 minutes')`,
      [victim.id],
    );
    const target = `/api/v1/orgs/${org.id}/members/${victim.id}/sessions`;
    expect((await studio.send("DELETE", target, { token: org.owner.token })).status).toBe(204);
    const [row] = await asSuperuser("SELECT count(*)::int AS n FROM control.ceremonies WHERE user_id = $1", [
      victim.id,
    ]);
    expect(row?.["n"]).toBe(0);
  });

  it("opens nothing in the middle of an ending either: what began before it ends with it", async () => {
    for (let round = 0; round < 5; round += 1) {
      const org = await studio.newOrg();
      const victim = await studio.newMember(org, "viewer");
      const body = { refresh_token: victim.refreshToken };
      const [refreshed, ended] = await Promise.all([
        studio.send("POST", "/api/v1/auth/refresh", { body }),
        studio.send("DELETE", `/api/v1/orgs/${org.id}/members/${victim.id}/sessions`, { token: org.owner.token }),
      ]);
      expect(ended.status).toBe(204);
      const won =
        refreshed.status === 200 ? refreshed.body : { access_token: victim.token, refresh_token: victim.refreshToken };
      const after = { ...victim, token: won.access_token, refreshToken: won.refresh_token };
      expect(await whatOpens(studio, after)).toEqual([]);
    }
  });
});
