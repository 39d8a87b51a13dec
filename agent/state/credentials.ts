/**
 * What enrolment gave. The token is the device's whole identity: mode 0600, never in a log, an
 * argument, the environment or the status.
 */
import { readFileSync, statSync } from "node:fs";
import { type DeviceId, type OrgId, parseId } from "../../core/ids.ts";
import { isLoopbackHost } from "../enroll/url.ts";
import { replaceFile } from "./atomic-file.ts";

export interface Credentials {
  readonly org: OrgId;
  readonly device: DeviceId;
  readonly token: string;
  readonly mqttUrl: string;
  /** `sentinel/{org}/devices/{device}`, without a slash at the end. */
  readonly topicPrefix: string;
  /** PEM of a certificate authority trusted besides the system's, or null. */
  readonly ca: string | null;
}

export type CredentialsRead =
  | { readonly kind: "ok"; readonly credentials: Credentials }
  | { readonly kind: "not_enrolled" }
  | {
      readonly kind: "refused";
      readonly code: "credentials_exposed" | "credentials_invalid" | "credentials_unreadable";
      readonly detail: string;
    };

export function readCredentials(path: string): CredentialsRead {
  let text: string;
  try {
    // Windows has no such bits; the directory's ACL holds there.
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
      return {
        kind: "refused",
        code: "credentials_exposed",
        detail: `others may read ${path}: chmod 600 it, or better, rotate the device's token and enrol again`,
      };
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return { kind: "not_enrolled" };
    return { kind: "refused", code: "credentials_unreadable", detail: `${path} can't be read (${code ?? "error"})` };
  }
  const credentials = parseStored(text);
  if (credentials !== null) return { kind: "ok", credentials };
  return { kind: "refused", code: "credentials_invalid", detail: `${path} is broken: enrol again with --force` };
}

export function writeCredentials(path: string, credentials: Credentials): void {
  const { org, device, token, mqttUrl, topicPrefix, ca } = credentials;
  const stored = { org_id: org, device_id: device, token, mqtt_url: mqttUrl, topic_prefix: topicPrefix, ca };
  replaceFile(path, `${JSON.stringify(stored, null, 2)}\n`, true);
}

function parseStored(text: string): Credentials | null {
  try {
    const json: unknown = JSON.parse(text);
    const parsed = parseEnrollment(json);
    if (parsed === null) return null;
    const { ca } = json as Record<string, unknown>;
    return { ...parsed, ca: typeof ca === "string" ? ca : null };
  } catch {
    return null;
  }
}

/** Checks the server's answer (and what was stored of it) before anything is built on it. */
export function parseEnrollment(json: unknown): Omit<Credentials, "ca"> | null {
  if (typeof json !== "object" || json === null) return null;
  const fields = json as Record<string, unknown>;
  const org = parseId("org", fields["org_id"]);
  const device = parseId("device", fields["device_id"]);
  const token = fields["token"];
  const topicPrefix = fields["topic_prefix"];
  if (org === null || device === null) return null;
  if (typeof token !== "string" || !/^[\x21-\x7e]{16,4096}$/.test(token)) return null;
  if (typeof topicPrefix !== "string") return null;
  const prefix = topicPrefix.replace(/\/$/, "");
  if (prefix !== `sentinel/${org}/devices/${device}`) return null;
  const mqttUrl = parseMqttUrl(fields["mqtt_url"]);
  return mqttUrl === null ? null : { org, device, token, mqttUrl, topicPrefix: prefix };
}

/** `wss:` anywhere, `ws:` only to this machine: the token goes over it. */
function parseMqttUrl(value: unknown): string | null {
  if (typeof value !== "string" || !URL.canParse(value)) return null;
  const url = new URL(value);
  if (url.username !== "" || url.password !== "") return null;
  if (url.protocol === "wss:") return url.href;
  return url.protocol === "ws:" && isLoopbackHost(url.hostname) ? url.href : null;
}
