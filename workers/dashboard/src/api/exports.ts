import * as z from "zod/mini";
import { deliveryFailures, destinationKinds } from "../../../../core/exports/destination.ts";
import { exportFormats, exportSources, exportStates } from "../../../../core/exports/job.ts";
import { roles } from "../../../../core/tenancy/roles.ts";
import { call, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import { type Page, pageOf } from "./schemas.ts";

const exportSchema = z.object({
  id: z.string(),
  requested_by: z.string(),
  requested_role: z.enum(roles),
  source: z.enum(exportSources),
  format: z.enum(exportFormats),
  devices: z.nullable(z.array(z.string())),
  documents: z.nullable(z.array(z.string())),
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  destination: z.object({ kind: z.enum(destinationKinds), id: z.nullable(z.string()) }),
  state: z.enum(exportStates),
  rows: z.number(),
  /** As many as there were when it was asked for. */
  rows_expected: z.number(),
  /** Of an archive: bytes of its documents. */
  bytes_expected: z.nullable(z.number()),
  percent: z.number(),
  bytes: z.number(),
  attempts: z.number(),
  failure: z.nullable(z.string()),
  place: z.nullable(z.string()),
  approved_by: z.nullable(z.string()),
  created_at: z.string(),
  expires_at: z.nullable(z.string()),
});
export type Export = z.infer<typeof exportSchema>;

/** What is asked for, as the server takes it: what does not belong to a source is left out. */
export interface WantedExport {
  readonly source: Export["source"];
  readonly format: Export["format"];
  readonly destination: string | null;
  readonly devices?: readonly string[];
  readonly documents?: readonly string[];
  readonly from?: string;
  readonly to?: string;
}

const destinationSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(["bucket", "webhook"]),
  bucket: z.nullable(
    z.object({
      endpoint: z.string(),
      region: z.string(),
      bucket: z.string(),
      prefix: z.string(),
      path_style: z.boolean(),
      access_key_id: z.string(),
    }),
  ),
  webhook: z.nullable(z.object({ url: z.string() })),
  secret: z.object({ fingerprint: z.string(), since: z.string() }),
  test: z.nullable(z.object({ at: z.string(), failure: z.nullable(z.enum(deliveryFailures)) })),
});
export type Destination = z.infer<typeof destinationSchema>;

export type NewDestination =
  | ({ readonly kind: "bucket"; readonly name: string; readonly secret_access_key: string } & NonNullable<
      Destination["bucket"]
    >)
  | { readonly kind: "webhook"; readonly name: string; readonly url: string };

const ticketSchema = z.object({
  ticket: z.string(),
  /** Where a form shows it. */
  action: z.string().check(z.startsWith("/content/")),
});

export const exportsKey = (org: string) => ["exports", org, "list"] as const;
export const destinationsKey = (org: string) => ["exports", org, "destinations"] as const;
export const exportSettingsKey = (org: string) => ["exports", org, "settings"] as const;

/** Newest first. */
export function listExports(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Export>> {
  return call(path("orgs", org, "exports"), pageOf(exportSchema), { query: { limit: pageRows, cursor }, signal });
}

export function createExport(org: string, wanted: WantedExport, idempotencyKey: string): Promise<Export> {
  return call(path("orgs", org, "exports"), exportSchema, { method: "POST", body: wanted, idempotencyKey });
}

export function cancelExport(org: string, id: string): Promise<void> {
  return callVoid(path("orgs", org, "exports", id), { method: "DELETE" });
}

/** @param decision `approve` lets it begin, `reject` ends it */
export function decideExport(org: string, id: string, decision: "approve" | "reject"): Promise<void> {
  return callVoid(path("orgs", org, "exports", id, decision), { method: "POST" });
}

/** For one download, within a quarter of an hour. */
export function makeExportTicket(org: string, id: string): Promise<z.infer<typeof ticketSchema>> {
  return call(path("orgs", org, "exports", id, "tickets"), ticketSchema, { method: "POST" });
}

export async function listDestinations(org: string, signal: AbortSignal): Promise<Destination[]> {
  const list = z.object({ items: z.array(destinationSchema) });
  return (await call(path("orgs", org, "export-destinations"), list, { signal })).items;
}

/** @returns a webhook's signing secret, which is in no other place; null for a bucket */
export async function addDestination(
  org: string,
  given: NewDestination,
  idempotencyKey: string,
): Promise<string | null> {
  const made = z.object({ signing_secret: z.nullable(z.string()) });
  const options = { method: "POST", body: given, idempotencyKey } as const;
  return (await call(path("orgs", org, "export-destinations"), made, options)).signing_secret;
}

/** What a destination becomes; its secret stays where none is given, which a bucket elsewhere needs. */
export type ChangedDestination =
  | ({ readonly kind: "bucket"; readonly name: string; readonly secret_access_key?: string } & NonNullable<
      Destination["bucket"]
    >)
  | { readonly kind: "webhook"; readonly name: string; readonly url: string; readonly new_secret: boolean };

/** @returns a webhook's new signing secret, if one was asked for */
export async function changeDestination(org: string, id: string, given: ChangedDestination): Promise<string | null> {
  const made = z.object({ signing_secret: z.nullable(z.string()) });
  const options = { method: "PUT", body: given } as const;
  return (await call(path("orgs", org, "export-destinations", id), made, options)).signing_secret;
}

export function removeDestination(org: string, id: string): Promise<void> {
  return callVoid(path("orgs", org, "export-destinations", id), { method: "DELETE" });
}

/** What came of it stands in the list from then on. */
export async function testDestination(org: string, id: string): Promise<void> {
  const tested = z.object({ failure: z.nullable(z.enum(deliveryFailures)) });
  await call(path("orgs", org, "export-destinations", id, "test"), tested, { method: "POST" });
}

const settingsSchema = z.object({ approval_rows: z.number() });

export async function exportApprovalRows(org: string, signal: AbortSignal): Promise<number> {
  return (await call(path("orgs", org, "export-settings"), settingsSchema, { signal })).approval_rows;
}

export async function setExportApprovalRows(org: string, rows: number): Promise<void> {
  await call(path("orgs", org, "export-settings"), settingsSchema, { method: "PUT", body: { approval_rows: rows } });
}
