import type { UserId } from "../../core/ids.ts";
import { type Statement, sql } from "../connect.ts";
import { instant } from "./columns.ts";

/** One of an organisation's policies as it is to be stored. */
export interface StoredDocument {
  readonly name: "geo" | "limits" | "mfa" | "tls" | "waf";
  readonly document: unknown;
  readonly user: UserId;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** A statement that stores a policy in place of the one before. @param from a relation with `org_id`: for each of its rows */
export function storeDocument(from: Statement, { name, document, user, nowMs }: StoredDocument): Statement {
  return sql`INSERT INTO control.org_policies (org_id, name, document, updated_by, updated_at)
        SELECT org_id, ${name}::text, ${JSON.stringify(document)}::text::jsonb, ${user}, ${instant(nowMs)}::timestamptz FROM ${from}
        ON CONFLICT (org_id, name) DO UPDATE
        SET document = excluded.document, updated_by = excluded.updated_by, updated_at = excluded.updated_at`;
}
