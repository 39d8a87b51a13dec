/**
 * A backend that Sentinel may call (docs/backends.md). It lets in whoever shows Sentinel's client certificate, and does
 * what the person in the assertion may. Needs Node 20 and `npm install jose`.
 *
 *   NAME=records ISSUER=https://sentinel.example PORT=9443 KEY=server.key CERT=server.pem \
 *   CLIENT_AUTHORITY=sentinel-ca.pem CLIENT_NAME=sentinel.example node backend.mjs
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { pathToFileURL } from "node:url";
import { createRemoteJWKSet, jwtVerify } from "jose";

/**
 * @param {object} settings
 * @param {string} settings.name what Sentinel has registered this backend as
 * @param {string} settings.issuer Sentinel's address
 * @param {string} settings.clientName the DNS name in Sentinel's client certificate
 * @param {{ key: string, cert: string, ca: string | string[] }} settings.tls PEM; `ca` is who issues Sentinel's certificate
 */
export function createBackend(settings) {
  /** Keys are fetched when first needed, and again when one is not known. */
  let keys = null;

  async function whoCalls(request) {
    // The certificate's authority was checked by TLS. Whose certificate it is, is checked here.
    const names = request.socket.getPeerCertificate().subjectaltname ?? "";
    if (!names.split(", ").includes(`DNS:${settings.clientName}`)) return null;
    keys ??= createRemoteJWKSet(new URL("/.well-known/jwks.json", settings.issuer));
    try {
      const { payload } = await jwtVerify(String(request.headers["sentinel-assertion"]), keys, {
        algorithms: ["EdDSA"],
        // All three: an access token of Sentinel's, or another backend's assertion, must be nobody here.
        typ: "sentinel-backend+jwt",
        audience: `backend:${settings.name}`,
        issuer: settings.issuer,
        requiredClaims: ["sub", "org", "role", "rid", "jti", "exp"],
        clockTolerance: 5,
      });
      return payload;
    } catch {
      return null;
    }
  }

  async function answer(request, response) {
    const send = (status, body) =>
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    const caller = await whoCalls(request);
    if (caller === null) return send(401, { error: "not from Sentinel" });
    let body = "";
    for await (const chunk of request) body += chunk;
    // Whatever is stored here is stored by organisation: `caller.org` is the only word for which one it is.
    send(200, {
      method: request.method,
      path: request.url,
      body: body === "" ? null : JSON.parse(body),
      person: caller.sub,
      organisation: caller.org,
      role: caller.role,
      request_id: caller.rid,
      trace: request.headers.traceparent,
    });
  }

  return createServer(
    { ...settings.tls, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" },
    (request, response) => void answer(request, response),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { NAME, ISSUER, PORT, KEY, CERT, CLIENT_AUTHORITY, CLIENT_NAME } = process.env;
  const tls = {
    key: readFileSync(KEY, "utf8"),
    cert: readFileSync(CERT, "utf8"),
    ca: readFileSync(CLIENT_AUTHORITY, "utf8"),
  };
  createBackend({ name: NAME, issuer: ISSUER, clientName: CLIENT_NAME, tls }).listen(Number(PORT));
}
