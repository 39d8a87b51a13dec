import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { VerifiedAccess } from "../../../core/mesh/claims.ts";
import type { Database } from "../../../store/connect.ts";
import { listMembers } from "../../../store/control/members.ts";
import type { DoorScope, OrgScope, PlatformScope } from "../../../store/control/org-scope.ts";
import { callScope, memberScope, organisationOfOperator, platformScope } from "../../../store/control/scope-makers.ts";
import type { LiveSession } from "../../../store/control/sessions.ts";
import { bareOrganisations } from "../../support/bare-organisations.ts";

const root = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");

/** Who may make which authority, and why there. Somebody new is a decision, so it is made here too. */
const callers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  memberScope: {
    "workers/studio/pipeline/steps/grant-scope.ts": "after token, session, membership, permission and proof",
  },
  platformScope: {
    "workers/studio/pipeline/steps/grant-scope.ts": "after the operator's token was compared",
  },
  doorScope: {
    "store/control/organisations.ts": "the active organisation of a slug or id that a stranger presented",
    "store/control/outside/providers.ts": "the same, and whose own a provider is",
    "store/control/invitations.ts": "the organisation of an invitation's token",
    "workers/studio/geo/judge-person.ts": "at whose door a member has just proven themselves: its geo policy alone",
    "workers/studio/auth/answer-second-step.ts": "what a ceremony's first step confined its session to",
  },
  organisationOfOperator: {
    "store/control/lifecycle.ts": "whichever one the operator suspends, resumes or deletes",
    "store/control/quotas.ts": "whichever one the operator puts on another plan",
    "store/control/billing/invoices.ts": "whose invoice the operator says was paid",
  },
  payingScope: {
    "workers/studio/routes/billing/payment-events.ts": "whom Stripe named, asked for a delivery that it had signed",
  },
  foundingScope: { "workers/studio/routes/organisations/create.ts": "an identifier made in that very line" },
  joinedScope: {
    "store/control/organisations.ts": "the founder of a claim that was stored",
    "store/control/invitations.ts": "whoever redeemed an invitation in that statement",
    "store/control/outside/identities.ts": "whoever joined with their outside identity in that statement",
  },
  unfinishedScope: {
    "store/control/billing/usage-days.ts": "whose minute of the hour it is to be metered",
    "store/control/billing/invoices.ts": "whose month is over and has no invoice yet",
    "store/control/billing/dunning.ts": "whose owners are to be told of an invoice or a debt",
    "store/control/api-keys.ts": "keys that were revoked and whose hub is still to be told",
    "store/control/audit-alert-mails.ts": "whose alerts are to be mailed, and is claimed by the clock",
    "workers/studio/audit/alerts/hear.ts": "whose log has just answered that it wrote an alert",
    "store/control/audit-stream-runs.ts": "whose log is due at its destination, and is claimed by the clock",
    "store/control/export-runs.ts": "whose export waits, is under way or leaves something to be deleted",
    "workers/studio/routes/exports/download.ts": "whose ticket was just taken, by a session that lives in it",
    "store/control/backup-runs.ts": "whose backup was queued, and is claimed by the clock or was given up",
    "store/control/lifecycle.ts": "whose hub or edge has not heard of its state",
    "store/control/deletions.ts": "deletions that are to be mailed, begun or finished",
    "store/control/geo-policies.ts": "changes that lapsed, and hubs that have not heard of one",
    "store/control/geo-break-glass.ts": "whose door the code has just opened: edge and hub are to hear of it",
    "workers/data/credentials/rotation-directory.ts": "whose role's password is due, by the directory's own list",
    "workers/data/provisioner/moving/drop-left.ts": "whose old schema is to go, by the directory's own list of moves",
    "workers/data/provisioner/rights/check.ts": "whose rights the clock looks at next, by the directory's own list",
    "workers/data/telemetry-jobs/due.ts": "whose telemetry the clock tends to next, by the directory's own list",
    "scripts/backup/control-rows.ts": "what the operator's own tool backs up, over the owner's connection",
    "scripts/migrate/tenants/ledger.ts": "a tenant whose migration the owner's own tool has just committed",
  },
  callScope: {
    "workers/data/audit-sink/read-older.ts": "the AuditLog's call",
    "workers/data/audit-sink/receipt-exists.ts": "the AuditLog's call",
    "workers/data/audit-sink/write-entries.ts": "the AuditLog's call",
    "workers/data/backup-source/backup-source.ts": "a capability's call for an organisation that is backed up",
    "workers/data/credentials/for-tenant.ts": "a capability's call on a member's behalf, or an enrolment's",
    "workers/data/data-keys/data-keys.ts": "a capability's call on a member's behalf, or its own job's",
    "workers/data/ingest/write-records.ts": "a hub's call",
    "workers/data/provisioner/drop-tenant.ts": "studio's call for an organisation that is being erased",
    "workers/data/provisioner/moving/prepare-move.ts":
      "studio's call, on the operator's word, for an organisation that is to be moved",
    "workers/data/provisioner/provision.ts": "studio's call for an organisation that it has claimed",
  },
};

/** Where a brand may be asserted: the one place that checks what it stands for. */
const brands: Readonly<Record<string, string>> = {
  OrgScope: "store/control/scope-makers.ts",
  DoorScope: "store/control/scope-makers.ts",
  FoundingScope: "store/control/scope-makers.ts",
  PlatformScope: "store/control/scope-makers.ts",
  LiveSession: "store/control/sessions.ts",
  VerifiedAccess: "core/mesh/access.ts",
  VerifiedCall: "core/mesh/verify.ts",
  TenantScope: "store/tenant/tenant-scope.ts",
  TenantDatabase: "store/tenant/tenant-database.ts",
};

const shipped = ["agent", "core", "durable-objects", "scripts", "store", "workers"].flatMap((folder) =>
  readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ts|tsx)$/.test(name) && !/(?:^|\/)(?:node_modules|dist)\//.test(name))
    .map((name) => `${folder}/${name}`),
);
const textOf = (path: string): string => readFileSync(`${root}/${path}`, "utf8");

const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2024.d.ts"],
  types: [],
};
/** From an organisation to its placement, its role and its password: whoever can do that opens a tenant. */
const directory = [
  "workers/data/directory.ts",
  "workers/data/tenant-access.ts",
  "workers/data/credentials/passwords.ts",
  "workers/data/credentials/rotation-directory.ts",
  "workers/data/credentials/rotation.ts",
  "workers/data/credentials/scope-keys.ts",
  "workers/data/provisioner/create-tenant.ts",
  "workers/data/provisioner/erased.ts",
  "workers/data/provisioner/moving/drop-left.ts",
  "workers/data/provisioner/repair-tenant.ts",
  "workers/data/telemetry-jobs/due.ts",
  "workers/data/telemetry-jobs/tend.ts",
];
const isChecked = (path: string): boolean =>
  (path.startsWith("store/") && path !== "store/control/scope-makers.ts") || directory.includes(path);

describe("functions of the store and of data's directory", () => {
  let found: string[];
  beforeAll(() => {
    const files = shipped.filter(isChecked).map((path) => `${root}/${path}`);
    found = bareOrganisations(ts.createProgram(files, options), isChecked, root);
  }, 120_000);

  it("take an organisation's authority, never its identifier", () => {
    expect(found).toEqual([]);
  });

  it("would be found if they took one: by itself, inside an object, a list or a union, or as a plain string", () => {
    const path = `${root}/store/control/invented.ts`;
    const host = ts.createCompilerHost(options);
    const read = host.getSourceFile;
    host.getSourceFile = (name, ...rest) =>
      name === path ? ts.createSourceFile(name, invented, ts.ScriptTarget.ESNext, true) : read(name, ...rest);
    const exists = host.fileExists;
    host.fileExists = (name) => name === path || exists(name);
    const program = ts.createProgram([path], options, host);
    expect(bareOrganisations(program, (name) => name === "store/control/invented.ts", root)).toEqual([
      "store/control/invented.ts: alone(org)",
      "store/control/invented.ts: arrow(of)",
      "store/control/invented.ts: destructured({…})",
      "store/control/invented.ts: inAList(all)",
      "store/control/invented.ts: inAUnion(owner)",
      "store/control/invented.ts: inAnObject(target)",
      "store/control/invented.ts: ofAnyKind(id)",
      "store/control/invented.ts: plain(orgId)",
    ]);
  }, 120_000);
});

const invented = `
import type { Id, IdKind, OrgId, UserId } from "../../core/ids.ts";
import type { DoorScope, OrgScope } from "./org-scope.ts";
export function alone(org: OrgId): void {}
export function inAnObject(target: { readonly user: UserId; readonly deep: { readonly of?: OrgId } }): void {}
export function destructured({ of }: { readonly of: OrgId }): void {}
export function inAList(all: readonly OrgId[]): void {}
export function inAUnion(owner: OrgId | null): void {}
export function ofAnyKind(id: Id<IdKind>): void {}
export function plain(orgId: string): void {}
export const arrow = (of: OrgId): void => {};
export function right(scope: OrgScope, user: UserId, orgReference: string | null): void {}
export function atADoor({ scopes }: { readonly scopes: readonly (DoorScope | null)[] }): void {}
function unexported(org: OrgId): void {}
`;

describe("an authority in an organisation", () => {
  it.each(Object.keys(callers))("%s is made in the listed places and in no other", (maker) => {
    const users = shipped.filter(
      (path) => path !== "store/control/scope-makers.ts" && new RegExp(`\\b${maker}\\b`).test(textOf(path)),
    );
    expect(users.toSorted()).toEqual(Object.keys(callers[maker] ?? {}).toSorted());
  });

  it("has no maker that is not listed", () => {
    const makers = [...textOf("store/control/scope-makers.ts").matchAll(/^export function (\w+)/gm)].map(
      ([, name]) => name,
    );
    expect(makers.toSorted()).toEqual(Object.keys(callers).toSorted());
  });

  it.each(Object.entries(brands))("%s is asserted in %s alone", (brand, path) => {
    const asserted = shipped.filter((file) =>
      new RegExp(`\\bas (?:unknown as )?(?:readonly )?${brand}\\b(?!\\s*\\|)`).test(textOf(file)),
    );
    expect(asserted).toEqual([path]);
  });

  it("is not what an identifier, a door or the platform is", () => {
    const wrong = (database: Database, org: OrgId, door: DoorScope, platform: PlatformScope) => {
      const page = { kind: "person", after: null, limit: 1 } as const;
      // @ts-expect-error an identifier is no authority
      void listMembers(database, org, page);
      // @ts-expect-error neither is an object that looks like one
      void listMembers(database, { org }, page);
      // @ts-expect-error whoever stands at a door sees no member
      void listMembers(database, door, page);
      // @ts-expect-error the platform's authority is in no organisation until it names one
      void listMembers(database, platform, page);
      void listMembers(database, organisationOfOperator(platform, org), page);
    };
    expect(wrong).toBeTypeOf("function");
  });

  it("is made of what was verified, and not of what looks like it", () => {
    const wrong = (claims: { sub: string }, session: { person: unknown; membership: unknown }, org: OrgId) => {
      // @ts-expect-error claims that nobody verified
      memberScope(claims, session as never);
      // @ts-expect-error a session that nobody read
      memberScope(claims as never, session);
      // @ts-expect-error a call that nobody verified
      callScope({ org });
    };
    expect(wrong).toBeTypeOf("function");
  });
});

describe("a member's authority", () => {
  const access = { sub: "usr_a", sid: "ses_a" } as unknown as VerifiedAccess;
  const session = (user: string, id: string, org: string | null): LiveSession =>
    ({ person: { user, session: id }, membership: org === null ? null : { org } }) as unknown as LiveSession;

  it("is for the organisation that their membership was read of", () => {
    expect(memberScope(access, session("usr_a", "ses_a", "org_a"))).toEqual({ org: "org_a" } satisfies Partial<
      Record<keyof OrgScope, unknown>
    >);
  });

  it("is none where they are no member", () => {
    expect(memberScope(access, session("usr_a", "ses_a", null))).toBeNull();
  });

  it.each([
    ["another person's", session("usr_b", "ses_a", "org_a")],
    ["another", session("usr_a", "ses_b", "org_a")],
  ])("is never made of %s session than the token's", (_whose, found) => {
    expect(() => memberScope(access, found)).toThrow("a session of another token");
  });

  it("the platform's is the operator's alone, also when somebody got past the types", () => {
    expect(() => platformScope({ operator: false } as never)).toThrow("nobody but the operator");
  });
});
