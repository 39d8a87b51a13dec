import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { makeId } from "../../core/ids.ts";
import { accessTokenAudience, tokenTypes } from "../../core/mesh/claims.ts";
import type { Env } from "../../workers/edge/env.ts";
import { createIsolate } from "../../workers/edge/isolate.ts";
import { verifyBearer } from "../../workers/edge/verify-credential.ts";

/** The edge's own check of a bearer, many times over, in the runtime that it has; `?n=` checks, JSON answer. */

const issuer = "https://sentinel.test";
/** How often the source of keys was asked: the only thing of a check that could leave the isolate. */
let keysAsked = 0;

async function start() {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "k1" };
  const keys = {
    accessKeys: async () => {
      keysAsked += 1;
      return { keys: [jwk] };
    },
  };
  // What the check must not touch is not there.
  const isolate = createIsolate({ LIMIT_SCALE: "1", ISSUER: issuer, PUBLIC_KEYS: keys } as unknown as Env, Date.now);
  const random = () => crypto.getRandomValues(new Uint8Array(10));
  const iat = Math.floor(Date.now() / 1000);
  const tokens = await Promise.all(
    Array.from({ length: 64 }, () =>
      new SignJWT({
        iss: issuer,
        aud: accessTokenAudience,
        sub: makeId("user", Date.now(), random()),
        org: makeId("org", Date.now(), random()),
        role: "viewer",
        sid: makeId("session", Date.now(), random()),
        jti: crypto.randomUUID(),
        iat,
        exp: iat + 3600,
      })
        .setProtectedHeader({ alg: "EdDSA", kid: "k1", typ: tokenTypes.access })
        .sign(privateKey),
    ),
  );
  return { isolate, tokens };
}
let started: Awaited<ReturnType<typeof start>> | null = null;

export default {
  async fetch(request: Request): Promise<Response> {
    started ??= await start();
    const { isolate, tokens } = started;
    const count = Number(new URL(request.url).searchParams.get("n"));
    let taken = 0;
    for (let index = 0; index < count; index += 1) {
      if ((await verifyBearer(tokens[index % tokens.length] ?? "", isolate, Date.now())) !== null) taken += 1;
    }
    return Response.json({ taken, keysAsked });
  },
};
