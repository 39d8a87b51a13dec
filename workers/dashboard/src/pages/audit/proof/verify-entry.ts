import { checkEntry, type EntryDistrust, type EntryVerdict } from "../../../../../../core/audit/entry-proof.ts";
import { parseVerifier } from "../../../../../../core/audit/signed-note.ts";
import { readAuditProof, readAuditStatus } from "../../../api/audit.ts";
import type { AuditEntry } from "../../../api/schemas.ts";
import { sha256 } from "./sha256.ts";

/** Fetches an entry's proof and the log's keys, and checks them here. @throws what fetching throws */
export async function verifyEntry(org: string, entry: AuditEntry, signal: AbortSignal): Promise<EntryVerdict> {
  const [proof, { checkpoint }] = await Promise.all([
    readAuditProof(org, entry.seq, signal),
    readAuditStatus(org, signal),
  ]);
  const keys = (checkpoint?.keys ?? []).map((key) => parseVerifier(key, sha256)).filter((key) => key !== null);
  return await checkEntry(entry, proof, keys, sha256);
}

/** What is wrong, for whoever has to tell somebody. */
export const distrust: Readonly<Record<EntryDistrust, string>> = {
  no_proof: "The server’s answer proves nothing about this entry.",
  other_leaf: "The entry that was hashed is not the one in this list.",
  shown_differs: "What this list shows is not what was hashed.",
  checkpoint_not_signed: "The log’s key did not sign what the server shows.",
  not_in_log: "The entry is not in the log that was signed.",
};
