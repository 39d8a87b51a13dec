/**
 * Everything that a move goes through, on two real placements: studio, the devices capability, the data Worker, and
 * writers that go on all the time, as programs of the API and as the hub's outbox.
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import type { DeviceId, OrgId } from "../../../core/ids.ts";
import { operatorRoutes } from "../../../core/routes/operator.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import type { PlacementUrl } from "../../../scripts/migrate/database-urls.ts";
import { type Moved, type MoveMoment, type MoveWorld, moveTenant } from "../../../scripts/migrate/tenants/move/run.ts";
import type { Row } from "../../../store/connect.ts";
import { writeRecords } from "../../../workers/data/ingest/write-records.ts";
import { createWhole, type Organisation, type Whole } from "../../attack/tenant/whole-kit.ts";
import { createDataWorld, type DataWorld } from "../data/support.ts";
import { operatorToken } from "../studio/harness.ts";
import { asSuperuser, describeTenant, newRequestId, setup, tenantMigrations } from "../support.ts";

/** The run was cut off there, as by a kill: its connections end and its open transaction with them. */
export class Killed extends Error {}

export interface Movers {
  readonly whole: Whole;
  readonly data: DataWorld;
  /** A world whose waits are short; `onMoment` may throw {@link Killed}. */
  world(changes?: Partial<MoveWorld>): MoveWorld;
  move(org: OrgId, to: string, changes?: Partial<MoveWorld>): Promise<Moved>;
  /** So long after now, for whoever remembers something by the clock. */
  passTime(ms: number): void;
}

export const other = (placement: string): string => (placement === "first" ? "second" : "first");

const placements = Object.entries(setup.ownerUrls).map(([name, url]) => ({ name, url })) as [
  PlacementUrl,
  ...PlacementUrl[],
];

export async function createMovers(): Promise<Movers> {
  const { now } = Date;
  let offsetMs = 0;
  // Before anybody takes hold of the clock.
  vi.spyOn(Date, "now").mockImplementation(() => now.call(Date) + offsetMs);
  const whole = await createWhole();
  const data = await createDataWorld();
  const post = async (path: string, org: OrgId, body?: unknown): Promise<void> => {
    const answer = await whole.send("POST", path.replace("{target}", org), {
      token: operatorToken,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status} ${answer.text}`);
  };
  const world: Movers["world"] = (changes = {}) => ({
    placements,
    migrations: tenantMigrations,
    leadMs: 0,
    link: {
      begin: (org, placement) => post(operatorRoutes.operatorMove.path, org, { placement }),
      finish: (org) => post(operatorRoutes.operatorFinishMove.path, org),
      giveUp: (org) => post(operatorRoutes.operatorGiveUpMove.path, org),
    },
    ...changes,
  });
  const passTime = (ms: number): void => {
    offsetMs += ms;
  };
  return {
    whole,
    data,
    world,
    passTime,
    move: (org, to, changes = {}) =>
      moveTenant(
        world({
          ...changes,
          onMoment: (moment) => {
            // In the place of the minute in which everybody forgets what they knew of the directory.
            if (moment === "announced" || moment === "recorded") passTime(61_000);
            changes.onMoment?.(moment);
          },
        }),
        org,
        to,
      ),
  };
}

/**
 * An organisation with a device, a group and a code: what most of these tests tell apart. One of everything, as
 * `whole.organisation` makes it, takes seventy requests more, and is for those that compare whole content.
 */
export async function smallOrganisation({ whole }: Movers): Promise<Organisation> {
  const org = await whole.newOrg();
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const answer = await whole.send("POST", `/api/v1/orgs/${org.id}/${path}`, { token: org.owner.token, body });
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status} ${answer.text}`);
    return answer.body;
  };
  const { id: code, code: secret } = await post("enrollment-codes", {
    name: "one",
    max_uses: 5,
    expires_in_seconds: 600,
  });
  const { device_id: device } = await post("enroll", { code: secret, name: "one", platform: "linux" });
  const { id: group } = await post("groups", { name: "one" });
  if (code === undefined || device === undefined || group === undefined) throw new Error("an answer names nothing");
  const tenant = await describeTenant(org.id, String((await placementOf(org.id))["placement"]));
  // Nobody but its owner acts here.
  return { ...org, tenant, viewer: org.owner, things: { org: org.id, code, device, group } };
}

/** Ends a run at a moment, once. */
export function killAt(moment: MoveMoment): NonNullable<MoveWorld["onMoment"]> {
  let done = false;
  return (now) => {
    if (done || now !== moment) return;
    done = true;
    throw new Killed(moment);
  };
}

/** Somebody who writes until they are stopped, and remembers what was acknowledged. */
export interface Writer {
  /** In the order of their acknowledgement. */
  readonly acknowledged: string[];
  /** Codes of refusals. */
  readonly refused: string[];
  stop(): Promise<void>;
}

function runUntilStopped(turn: (n: number) => Promise<void>): () => Promise<void> {
  let stopped = false;
  const loop = (async () => {
    for (let n = 0; !stopped; n += 1) await turn(n);
  })();
  // Whoever stops it hears of a failure; until then nobody is to call it unhandled.
  loop.catch(() => undefined);
  return async () => {
    stopped = true;
    await loop;
  };
}

/** A program that makes groups, one after the other, and tries each until it is told that it is there. */
export function apiWriter({ whole }: Movers, org: Organisation): Writer {
  const [acknowledged, refused]: string[][] = [[], []];
  const stop = runUntilStopped(async (n) => {
    const name = `group ${n}`;
    for (;;) {
      const key = `${org.id}-${n}`;
      const answer = await whole.send("POST", `/api/v1/orgs/${org.id}/groups`, {
        token: org.owner.token,
        body: { name },
        headers: { "Idempotency-Key": key },
      });
      if (answer.status === 201) {
        acknowledged?.push(name);
        return;
      }
      expect([answer.status, answer.headers.has("Retry-After") || answer.body.code]).toEqual([
        503,
        answer.body.code === "org_moving" ? true : expect.anything(),
      ]);
      refused?.push(answer.body.code);
      await delay(5);
    }
  });
  return { acknowledged: acknowledged ?? [], refused: refused ?? [], stop };
}

/** Somebody who only reads. `acknowledged` has an entry for each answer. */
export function apiReader({ whole }: Movers, org: Organisation): Writer {
  const [acknowledged, refused]: string[][] = [[], []];
  const stop = runUntilStopped(async () => {
    const answer = await whole.send("GET", `/api/v1/orgs/${org.id}/devices`, { token: org.owner.token });
    if (answer.status === 200) acknowledged?.push(String(answer.body.items.length));
    else refused?.push(answer.body.code);
    await delay(2);
  });
  return { acknowledged: acknowledged ?? [], refused: refused ?? [], stop };
}

/** The hub's outbox: batches in order, each sent again until it is taken. */
export function outbox({ data }: Movers, { id: org, things }: Organisation): Writer {
  const [acknowledged, refused]: string[][] = [[], []];
  const at = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000);
  const stop = runUntilStopped(async (n) => {
    const ids = Array.from({ length: 5 }, (_, index) => `s-${n}-${index}`);
    const records = ids.map((sampleId, index): IngestRecord => {
      const time = new Date(at.getTime() + n * 5 + index).toISOString();
      const device = things["device"] as DeviceId;
      return { kind: "telemetry", device, sampleId, at: time, receivedAt: time, metrics: { n: n * 5 + index } };
    });
    for (;;) {
      try {
        const call = await data.mesh.caller("durable-objects").asJob("data.ingest", "ingest", org, newRequestId());
        await writeRecords(data.unit, call, org, records);
        acknowledged?.push(...ids);
        return;
      } catch (error) {
        refused?.push((error as { code?: string; name: string }).code ?? (error as Error).name);
        await delay(5);
      }
    }
  });
  return { acknowledged: acknowledged ?? [], refused: refused ?? [], stop };
}

/** What there is of both writers' work on a placement, in the order in which it is read. */
export async function written(
  { tenant }: Organisation,
  placement: string,
): Promise<{ groups: string[]; samples: string[] }> {
  const groups = await asSuperuser(
    `SELECT name FROM ${tenant.name}.groups WHERE name LIKE 'group %' ORDER BY split_part(name, ' ', 2)::int`,
    [],
    placement,
  );
  const samples = await asSuperuser(
    `SELECT sample_id FROM ${tenant.name}.telemetry WHERE sample_id LIKE 's-%' ORDER BY at`,
    [],
    placement,
  );
  return { groups: groups.map((row) => String(row["name"])), samples: samples.map((row) => String(row["sample_id"])) };
}

export const placementOf = async (org: OrgId): Promise<Row> =>
  (await asSuperuser("SELECT placement, moving_to FROM control.organisation_placements WHERE org_id = $1", [org]))[0] ??
  {};
export const moveOf = async (org: OrgId): Promise<Row | undefined> =>
  (await asSuperuser("SELECT * FROM control.placement_moves WHERE org_id = $1", [org]))[0];
