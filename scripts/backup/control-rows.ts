/** What the control plane knows of one organisation, as the operator's own connection reads it. */
import type pg from "pg";
import type { OrgId } from "../../core/ids.ts";
import { controlStreams } from "../../store/control/backup-rows.ts";
import { unfinishedScope } from "../../store/control/scope-makers.ts";
import { textSettings } from "../../store/copy-line.ts";
import { copyOut } from "./copy.ts";

/** A snapshot of its own: the control plane may be another cluster, and two clusters have no common moment. */
export async function openControlSnapshot(client: pg.ClientBase): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${textSettings}`);
}

/** COPY's lines of one of {@link controlStreams}. */
export function readControl(
  client: pg.ClientBase,
  org: OrgId,
  stream: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const found = controlStreams.find(({ name }) => name === stream);
  if (found === undefined) throw new Error("there is no such stream of the control plane");
  const { text } = found.query(unfinishedScope(org));
  // COPY takes no parameters, and the organisation is the only one. An OrgId was parsed: it holds no quote.
  return copyOut(client, `COPY (${text.replaceAll(/\$\d+/g, `'${org}'`)}) TO STDOUT`);
}
