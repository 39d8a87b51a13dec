/**
 * Stands where AWS KMS would, as its API reference describes Encrypt and Decrypt: real TLS under the real name,
 * Signature Version 4 verified from the bytes that came, the encryption context bound to the ciphertext.
 */
import { execFileSync } from "node:child_process";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusalOf } from "../../support/aws/verify-signature.ts";

export const region = "eu-central-1";
const host = `kms.${region}.amazonaws.com`;
export const keyArn = `arn:aws:kms:${region}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
export const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

export interface KmsPeer {
  /** Reaches the peer for its own name, over TLS that is verified. */
  readonly fetch: typeof fetch;
  /** What it does instead of working: an exception of the API reference, or another key's answers. */
  fails: { status: number; type: string } | "another_key" | null;
  /** Unix milliseconds; AWS takes what was signed within five minutes. Written by tests. */
  now: () => number;
  /** What each accepted request asked for. */
  readonly asked: { action: string; context: unknown }[];
  stop(): Promise<void>;
}

function answer(peer: KmsPeer, master: Buffer, incoming: IncomingMessage, body: string): [number, object] {
  const refuse = (type: string, status = 400): [number, object] => [status, { __type: type, message: "no" }];
  const expected = { ...credentials, region, service: "kms", signed: ["x-amz-target"] } as const;
  if (refusalOf(incoming, Buffer.from(body), expected, peer.now()) !== null) return refuse("InvalidSignatureException");
  const action = String(incoming.headers["x-amz-target"]).replace("TrentService.", "");
  const asked = JSON.parse(body) as Record<string, unknown>;
  peer.asked.push({ action, context: asked["EncryptionContext"] });
  if (peer.fails !== null && peer.fails !== "another_key") return refuse(peer.fails.type, peer.fails.status);
  if (asked["KeyId"] !== keyArn) return refuse("NotFoundException");
  const KeyId = peer.fails === "another_key" ? keyArn.replace("1234abcd", "ffffffff") : keyArn;
  const context = Buffer.from(JSON.stringify(asked["EncryptionContext"] ?? {}));
  if (action === "Encrypt") {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", master, nonce).setAAD(context);
    const sealed = [nonce, cipher.update(String(asked["Plaintext"]), "base64"), cipher.final(), cipher.getAuthTag()];
    return [
      200,
      { KeyId, CiphertextBlob: Buffer.concat(sealed).toString("base64"), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" },
    ];
  }
  const blob = Buffer.from(String(asked["CiphertextBlob"]), "base64");
  try {
    const decipher = createDecipheriv("aes-256-gcm", master, blob.subarray(0, 12)).setAAD(context);
    decipher.setAuthTag(blob.subarray(-16));
    const opened = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
    return [200, { KeyId, Plaintext: opened.toString("base64"), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" }];
  } catch {
    return refuse("InvalidCiphertextException");
  }
}

export async function startKmsPeer(): Promise<KmsPeer> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-kms-"));
  const files = { key: join(folder, "key.pem"), cert: join(folder, "cert.pem") };
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files.key];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", files.cert, "-days", "2", ...subject], { stdio: "ignore" });
  const [cert, privateKey] = [readFileSync(files.cert), readFileSync(files.key)];
  rmSync(folder, { recursive: true });
  const master = randomBytes(32);

  const server = createServer({ cert, key: privateKey }, async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += String(chunk);
    const [status, value] = answer(peer, master, incoming, body);
    outgoing.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" }).end(JSON.stringify(value));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const peer: KmsPeer = {
    fails: null,
    now: Date.now,
    asked: [],
    fetch: ((url: string, init: RequestInit) =>
      new Promise<Response>((resolve, reject) => {
        const { hostname, pathname } = new URL(url);
        const headers = { ...(init.headers as Record<string, string>), host: hostname };
        const options = { host: "127.0.0.1", port, servername: hostname, ca: cert, path: pathname, headers };
        const sent = request({ ...options, method: String(init.method) }, async (incoming) => {
          let body = "";
          for await (const chunk of incoming) body += String(chunk);
          resolve(new Response(body, { status: incoming.statusCode ?? 0 }));
        });
        sent.on("error", reject);
        sent.end(init.body);
      })) as typeof fetch,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return peer;
}
