/**
 * Which certificate authorities count: Node's, the operating system's (a school's TLS inspection
 * puts its own there) and, if given, one more. There is no switch that turns verification off;
 * `rejectUnauthorized` is set explicitly because NODE_TLS_REJECT_UNAUTHORIZED=0 would else win.
 */
import { readFileSync } from "node:fs";
import tls from "node:tls";

export interface TrustOptions {
  readonly ca: string[];
  readonly rejectUnauthorized: true;
  readonly minVersion: "TLSv1.2";
}

/** Bundles of the usual Linux distributions and BSDs, for Node before 22.15. */
const bundlePaths = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
  "/etc/ssl/ca-bundle.pem",
];

/** @param extra PEM of one more authority, or null */
export function trustOptions(extra: string | null): TrustOptions {
  const ca = new Set<string>(tls.rootCertificates);
  for (const pem of systemAuthorities()) ca.add(pem);
  if (extra !== null) ca.add(extra);
  return { ca: [...ca], rejectUnauthorized: true, minVersion: "TLSv1.2" };
}

function systemAuthorities(): string[] {
  // Node 22.15 and 23.9 on; absent from Node 20.
  const read = (tls as { getCACertificates?: (type: string) => string[] }).getCACertificates;
  if (read !== undefined) return [...read("default"), ...read("system")];
  const paths = [process.env["NODE_EXTRA_CA_CERTS"], ...bundlePaths];
  for (const path of paths) {
    if (path === undefined) continue;
    try {
      return [readFileSync(path, "utf8")];
    } catch {
      // Not this kind of system.
    }
  }
  return [];
}

const pemPattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;

/** True for text that holds at least one certificate which TLS can load. */
export function isCertificatePem(text: string): boolean {
  if (!pemPattern.test(text)) return false;
  try {
    tls.createSecureContext({ ca: text });
    return true;
  } catch {
    return false;
  }
}
