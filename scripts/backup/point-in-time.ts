/** What a placement was at a moment of its history, where whoever runs its Postgres keeps one: Neon does. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { requireVerifiedTls } from "../migrate/database-urls.ts";

/** A copy of a placement as of one moment. It costs while it is there. */
export interface Branch {
  /** The owner's connection. */
  readonly url: string;
  remove(): Promise<void>;
}

export interface PointInTime {
  /** From when until when there is a history; RFC 3339. */
  restorePoints(): Promise<{ readonly from: string; readonly to: string }>;
  /**
   * @param moment RFC 3339, within {@link restorePoints}
   * @throws PointInTimeRefused
   */
  branchAt(moment: string): Promise<Branch>;
}

/**
 * - `not_kept`: the history does not reach that moment
 * - `api_refused`: the service said no; its own words are left out, for they may quote what was sent
 * - `not_ready`: it made a branch that was not ready in time; it was asked to remove it
 */
export class PointInTimeRefused extends Error {
  override readonly name = "PointInTimeRefused";
  readonly code: "not_kept" | "api_refused" | "not_ready";

  constructor(code: PointInTimeRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface NeonOptions {
  /** `https://console.neon.tech/api/v2`; tests have a peer that behaves as its documentation says. */
  readonly api: string;
  readonly key: string;
  readonly project: string;
  /** The owner's connection to the living branch: a branch has its roles, passwords and databases. */
  readonly ownerUrl: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export const neonApi = "https://console.neon.tech/api/v2";
const answerMsMax = 30_000;
/** A branch shares its parent's storage and is there within seconds. */
const readyTriesMax = 60;
const readyPauseMs = 1_000;
/** A branch that nobody removed is removed by Neon: this program may be killed. */
const branchMs = 24 * 3_600_000;

/** Neon: a branch at a moment, by its API. */
export function createNeonPointInTime(options: NeonOptions): PointInTime {
  const { api, key, now, ownerUrl } = options;
  const projectPath = `/projects/${encodeURIComponent(options.project)}`;

  async function ask(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Json> {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: { Accept: "application/json", Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(answerMsMax),
    });
    if (!response.ok) throw new PointInTimeRefused("api_refused", `the service answers ${response.status}`);
    return (await response.json().catch(() => ({}))) as Json;
  }

  async function restorePoints(): Promise<{ from: string; to: string }> {
    const project = objectOf(await ask("GET", projectPath), "project");
    const kept = Number(project["history_retention_seconds"]) * 1_000;
    const madeAt = Date.parse(textOf(project, "created_at"));
    if (!Number.isFinite(kept) || Number.isNaN(madeAt))
      throw new PointInTimeRefused("api_refused", "an answer of another shape");
    const rfc3339 = (ms: number): string => new Date(ms).toISOString();
    return { from: rfc3339(Math.max(madeAt, now() - kept)), to: rfc3339(now()) };
  }

  async function untilReady(path: string): Promise<void> {
    for (let attempt = 0; attempt < readyTriesMax; attempt += 1) {
      if (objectOf(await ask("GET", path), "branch")["current_state"] === "ready") return;
      await delay(readyPauseMs);
    }
    throw new PointInTimeRefused("not_ready", "the branch is not ready after a minute");
  }

  return {
    restorePoints,
    async branchAt(moment) {
      const { from, to } = await restorePoints();
      const at = Date.parse(moment);
      if (!(at >= Date.parse(from) && at <= Date.parse(to)))
        throw new PointInTimeRefused("not_kept", `there is a history from ${from} to ${to}`);
      const made = await ask("POST", `${projectPath}/branches`, {
        branch: {
          name: `sentinel-backup-${randomUUID()}`,
          parent_timestamp: new Date(at).toISOString(),
          expires_at: new Date(now() + branchMs).toISOString(),
        },
        endpoints: [{ type: "read_write" }],
      });
      const path = `${projectPath}/branches/${encodeURIComponent(textOf(objectOf(made, "branch"), "id"))}`;
      const remove = async (): Promise<void> => {
        await ask("DELETE", path);
      };
      try {
        const url = addressOf(made, ownerUrl);
        await untilReady(path);
        return { url, remove };
      } catch (error) {
        await remove().catch(() => undefined);
        throw error;
      }
    },
  };
}

type Json = Record<string, unknown>;

/** The living branch's own address at the new endpoint: role, password, database and the check of its certificate stay. */
function addressOf(made: Json, ownerUrl: string): string {
  const endpoints = made["endpoints"];
  const [endpoint] = Array.isArray(endpoints) ? (endpoints as Json[]) : [];
  if (endpoint === undefined) throw new PointInTimeRefused("api_refused", "the branch has no endpoint");
  const url = new URL(ownerUrl);
  // As a whole, its port too, which Neon's has not.
  url.port = "";
  const before = url.host;
  url.host = textOf(endpoint, "host");
  if (url.host === before && textOf(endpoint, "host") !== before)
    throw new PointInTimeRefused("api_refused", "the endpoint's host is none");
  requireVerifiedTls("the branch's address", url.href);
  return url.href;
}

function objectOf(value: Json, name: string): Json {
  const found = value[name];
  if (typeof found !== "object" || found === null)
    throw new PointInTimeRefused("api_refused", "an answer of another shape");
  return found as Json;
}

function textOf(value: Json, name: string): string {
  const found = value[name];
  if (typeof found !== "string" || found === "")
    throw new PointInTimeRefused("api_refused", "an answer of another shape");
  return found;
}
