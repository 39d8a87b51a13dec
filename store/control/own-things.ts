import type { UserId } from "../../core/ids.ts";
import type { Database, Row, Statement } from "../connect.ts";
import { type FactorOverview, factorsRow, factorsStatement } from "./factors/overview.ts";
import { type MembershipOfUser, membershipsRows, membershipsStatement } from "./users.ts";

/** What is a person's own and decides what they may do with it. */
export interface OwnThings {
  /** Of active organisations where they are not disabled, by slug. */
  readonly memberships: readonly MembershipOfUser[];
  /** Null: no such person. */
  readonly factors: FactorOverview | null;
}

/** {@link ownThings} as statements of somebody's transaction, whose rows {@link ownThingsOf} reads. */
export function ownStatements(user: UserId): readonly [Statement, Statement] {
  return [membershipsStatement(user), factorsStatement(user)];
}

/** @param rows of both statements, in their order */
export function ownThingsOf(rows: readonly (readonly Row[])[]): OwnThings {
  const [memberships = [], factors = []] = rows;
  return { memberships: membershipsRows(memberships), factors: factorsRow(factors) };
}

/** A person's own things, in one round trip. */
export async function ownThings(database: Database, user: UserId): Promise<OwnThings> {
  return ownThingsOf(await database.transaction([...ownStatements(user)], { readOnly: true }));
}
