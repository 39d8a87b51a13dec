/** Exports through studio's own code, the real capability, real Postgres and a real bucket; the queue is turned by hand. */
import { expect } from "vitest";
import { type ExportId, parseId } from "../../../core/ids.ts";
import { studioHeaders } from "../../../core/rpc/studio.ts";
import { runExport } from "../../../workers/studio/exports/run.ts";
import { createWhole, type Organisation, type Whole } from "../../attack/tenant/whole-kit.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import type { Account, Sent } from "../studio/harness.ts";

export interface Wanted {
  readonly source: "inventory" | "telemetry" | "audit" | "documents";
  readonly format: "csv" | "jsonl" | "xlsx" | "zip";
  readonly [more: string]: unknown;
}

export interface ExportsKit extends Whole {
  ask(org: Organisation, by: Account, wanted: Wanted): Promise<Sent>;
  /** … that must be taken on. */
  begin(org: Organisation, by: Account, wanted: Wanted): Promise<ExportId>;
  /** One message of the queue. */
  turn(id: ExportId): Promise<void>;
  show(org: Organisation, by: Account, id: ExportId): Promise<Sent["body"]>;
  download(org: Organisation, by: Account, id: ExportId): Promise<Sent>;
  /** The bytes of a result, as they are. */
  openResult(org: Organisation, id: ExportId, by?: Account): Promise<Uint8Array>;
  /** Asked for, made and fetched. */
  made(org: Organisation, by: Account, wanted: Wanted): Promise<string>;
}

/** @param outside origins on loopback that exports may be delivered to */
export async function createExportsKit(outside: readonly string[] = []): Promise<ExportsKit> {
  const whole = await createWhole(outside);
  const at = (org: Organisation): string => `/api/v1/orgs/${org.slug}/exports`;
  const ask: ExportsKit["ask"] = (org, { token }, body) => whole.send("POST", at(org), { token, body });
  const begin: ExportsKit["begin"] = async (org, by, wanted) => {
    const { status, body } = await ask(org, by, wanted);
    expect([status, body.state]).toEqual([202, "queued"]);
    const id = parseId("export", body.id);
    if (id === null) throw new Error("an export has no id");
    return id;
  };
  const turn = (id: ExportId): Promise<void> => runExport(whole.studio.services, id);
  const show: ExportsKit["show"] = async (org, { token }, id) =>
    (await whole.send("GET", `${at(org)}/${id}`, { token })).body;
  const download: ExportsKit["download"] = (org, { token }, id) =>
    whole.send("GET", `${at(org)}/${id}/download`, { token });
  return {
    ...whole,
    ask,
    begin,
    turn,
    show,
    download,
    async openResult(org, id, by = org.owner) {
      const headers = {
        [studioHeaders.requestId]: newId("request"),
        [studioHeaders.route]: "downloadExport",
        [studioHeaders.clientIp]: "203.0.113.7",
        [studioHeaders.country]: "IN",
        [studioHeaders.credential]: "bearer",
        Authorization: `Bearer ${by.token}`,
      };
      const url = `https://studio.internal${at(org)}/${id}/download`;
      return new Uint8Array(await (await whole.studio.fetch(new Request(url, { headers }))).arrayBuffer());
    },
    async made(org, by, wanted) {
      const id = await begin(org, by, wanted);
      await turn(id);
      const sent = await download(org, by, id);
      expect([sent.status, (await show(org, by, id)).state]).toEqual([200, "done"]);
      return sent.text;
    },
  };
}

/** A table's rows by its head; for cells without a comma or a quote in them. */
export function tableOf(csv: string): Record<string, string>[] {
  const [head = [], ...rows] = csv
    .split("\r\n")
    .slice(0, -1)
    .map((line) => line.split(",").map((cell) => cell.replaceAll('"', "")));
  return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at] ?? ""])));
}
