/**
 * How scripts reach a Postgres: over a network only with a certificate that is checked against the host's name,
 * to an address that is what it looks like. The driver reads options out of an address, so that one could name
 * another host than its own (`?host=`), or take the check back after asking for it (`?sslmode=` twice, `ssl=0`);
 * here an address is taken apart, and the driver is told each thing by itself.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type pg from "pg";

/** This machine's own names: nothing leaves it, so nothing needs a certificate. */
const loopback = ["localhost", "127.0.0.1", "[::1]"];
/** What an address may say besides: the check, another root than the system's, and what Neon puts there. */
const known = ["sslmode", "sslrootcert", "channel_binding"];

/**
 * @param subject how a refusal calls the address; no refusal quotes it, for a password is in it
 * @throws Error for an address that is none, that says more than is understood, or that would not be checked
 */
export function verifiedConnection(subject: string, address: string): pg.ClientConfig {
  const url = URL.parse(address);
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol) || url.hostname === "")
    throw new Error(`${subject} is not an address`);
  const names = [...url.searchParams.keys()];
  if (names.some((name) => !known.includes(name)) || new Set(names).size !== names.length)
    throw new Error(`${subject} has an option that is not understood, or one twice; there is ${known.join(", ")}`);
  const isLocal = loopback.includes(url.hostname);
  const mode = url.searchParams.get("sslmode");
  if (mode !== "verify-full" && (mode !== null || !isLocal)) throw new Error(`${subject} needs ?sslmode=verify-full`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    // `false` and not absent: then no environment variable (PGSSLMODE) has a say.
    ssl: mode === null ? false : verified(subject, host, url.searchParams.get("sslrootcert")),
  };
}

function verified(subject: string, host: string, rootCertificate: string | null): NonNullable<pg.ClientConfig["ssl"]> {
  let ca: { ca?: string } = {};
  if (rootCertificate !== null && rootCertificate !== "system") {
    try {
      ca = { ca: readFileSync(rootCertificate, "utf8") };
    } catch {
      throw new Error(`${subject} names an sslrootcert that can't be read`);
    }
  }
  return {
    ...ca,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
