import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { importEnvelopeKey, openEnvelope } from "../../../core/crypto/envelope.ts";
import { accessTokenSecondsMax } from "../../../core/limits.ts";

/**
 * The same access token an hour and five minutes ago: in every claim as studio signed it then, by KeyRing's
 * own key, so that nothing but the time can be held against it.
 * @param stateDir the stack's, whose user can open KeyRing's storage
 */
export async function expiredTwin(stateDir: string, token: string): Promise<string> {
  const { kid = "" } = decodeProtectedHeader(token);
  const header = { ...decodeProtectedHeader(token), alg: "EdDSA" };
  const iat = Math.floor(Date.now() / 1000) - accessTokenSecondsMax - 300;
  return new SignJWT({ ...decodeJwt(token), iat, exp: iat + accessTokenSecondsMax })
    .setProtectedHeader(header)
    .sign(await signingKey(stateDir, kid));
}

async function signingKey(stateDir: string, kid: string): Promise<CryptoKey> {
  const { keyEncryptionKey } = JSON.parse(readFileSync(join(stateDir, "secrets.json"), "utf8")) as {
    keyEncryptionKey: string;
  };
  const workers = join(stateDir, "workers");
  for (const file of readdirSync(workers, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".sqlite")) continue;
    const sealed = sealedKey(join(workers, file), kid);
    if (sealed === null) continue;
    const context = { purpose: "access-signing-key", kid };
    const pkcs8 = await openEnvelope(await importEnvelopeKey(keyEncryptionKey), context, sealed);
    return crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  }
  throw new Error(`no storage of the stack holds the key ${kid}`);
}

function sealedKey(path: string, kid: string): string | null {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'keys' AND sql LIKE '%sealed_private%'";
    if (database.prepare(tables).get() === undefined) return null;
    const row = database.prepare("SELECT sealed_private FROM keys WHERE kid = ?").get(kid);
    return typeof row?.["sealed_private"] === "string" ? row["sealed_private"] : null;
  } finally {
    database.close();
  }
}
