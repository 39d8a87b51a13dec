/** A Supabase project as its tokens show it: keys that are served, people, and what is signed for them. */
import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { startHostileIssuer } from "../../support/hostile-issuer.ts";
import type { SupabasePeople } from "./walk-successes.ts";

export async function startSupabaseProject(): Promise<
  SupabasePeople & { readonly origin: string; stop(): Promise<void> }
> {
  const server = await startHostileIssuer();
  const issuer = `${server.issuer}/auth/v1`;
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" }];
  server.paths.set("/auth/v1/.well-known/jwks.json", (_request, _body, response) =>
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ keys })),
  );
  return {
    issuer,
    origin: server.issuer,
    next: () => ({ sub: crypto.randomUUID(), email: `pupil-${randomBytes(6).toString("hex")}@school.test` }),
    sign(sub, email) {
      const now = Math.floor(Date.now() / 1000);
      const claims = { aud: "authenticated", role: "authenticated", aal: "aal1", is_anonymous: false };
      const user_metadata = { email_verified: true, full_name: "Asha Rao" };
      return new SignJWT({ ...claims, iss: issuer, sub, email, iat: now, exp: now + 3600, user_metadata })
        .setProtectedHeader({ alg: "ES256", kid: "one", typ: "JWT" })
        .sign(privateKey);
    },
    stop: async () => void (await server.stop()),
  };
}
