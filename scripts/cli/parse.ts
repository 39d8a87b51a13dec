/** Command line → verb and flags. Everything is judged here, before any side effect. Pure. */
import { parseArgs } from "node:util";
import { CliError } from "./cli-error.ts";
import type { Flags, Verb } from "./verb.ts";
import { auditExport } from "./verbs/audit-export.ts";
import { auditVerify } from "./verbs/audit-verify.ts";
import { auditVerifyLeaves } from "./verbs/audit-verify-leaves.ts";
import { auditWitness } from "./verbs/audit-witness.ts";
import { backendsCheck } from "./verbs/backends-check.ts";
import { backup } from "./verbs/backup.ts";
import { backupControl, restoreControlPlane, verifyControlBackup } from "./verbs/backup-control.ts";
import { backupMakeKey } from "./verbs/backup-flags.ts";
import { backupFetch, backupList } from "./verbs/backup-platform.ts";
import { hubReconcile } from "./verbs/hub-reconcile.ts";
import { identityProviders } from "./verbs/identity-providers.ts";
import { invoices } from "./verbs/invoices.ts";
import { keeper, keeperMakeKey } from "./verbs/keeper.ts";
import { keysData } from "./verbs/keys-data.ts";
import { keysRotate } from "./verbs/keys-rotate.ts";
import { migrate } from "./verbs/migrate.ts";
import { migrateTenants } from "./verbs/migrate-tenants.ts";
import { migrateVerify } from "./verbs/migrate-verify.ts";
import { placements } from "./verbs/placements.ts";
import { restore } from "./verbs/restore.ts";
import { status } from "./verbs/status.ts";
import { tenants } from "./verbs/tenants.ts";
import { tenantsDatabases } from "./verbs/tenants-databases.ts";
import { tenantsLifecycle } from "./verbs/tenants-lifecycle.ts";
import { tenantsMove } from "./verbs/tenants-move.ts";
import { tenantsPlan } from "./verbs/tenants-plan.ts";
import { usersDisable, usersEnable, usersErase } from "./verbs/users.ts";
import { verifyBackup } from "./verbs/verify-backup.ts";
import { wafExport } from "./verbs/waf-export.ts";

/** The first whose words are all there is meant, so a longer name stands before its own beginning. */
export const verbs: readonly Verb[] = [
  migrateTenants,
  migrateVerify,
  migrate,
  ...placements,
  status,
  ...tenantsLifecycle,
  tenantsPlan,
  ...invoices,
  tenantsMove,
  ...tenantsDatabases,
  tenants,
  auditVerifyLeaves,
  auditVerify,
  auditExport,
  auditWitness,
  backupMakeKey,
  backupControl,
  restoreControlPlane,
  verifyControlBackup,
  backupList,
  backupFetch,
  backup,
  restore,
  verifyBackup,
  hubReconcile,
  backendsCheck,
  ...keysData,
  keysRotate,
  keeperMakeKey,
  keeper,
  usersDisable,
  usersEnable,
  usersErase,
  ...identityProviders,
  wafExport,
];

/** Longest piece of what was typed that is said back. */
const echoCharactersMax = 40;
const echo = (text: string): string => JSON.stringify(text.slice(0, echoCharactersMax));

/** @throws CliError `missing_verb`, `unknown_verb`, `unexpected_argument` */
export function findVerb(args: readonly string[]): { verb: Verb; rest: readonly string[] } | "help" {
  const [first] = args;
  if (first === undefined) throw new CliError("missing_verb", `say one of ${verbNames()}`, 2);
  if (first === "help" || first === "--help" || first === "-h") {
    if (args.length > 1) throw new CliError("unexpected_argument", `nothing may follow ${first}`, 2);
    return "help";
  }
  for (const verb of verbs) {
    const words = verb.name.split(" ");
    if (words.every((word, index) => args[index] === word)) return { verb, rest: args.slice(words.length) };
  }
  const group = verbs.filter((verb) => verb.name.startsWith(`${first} `));
  const known = group.length === 0 ? verbNames() : group.map((verb) => verb.name).join(", ");
  throw new CliError("unknown_verb", `there is no ${echo(args.slice(0, 2).join(" "))}; there is ${known}`, 2);
}

/**
 * @throws CliError `unknown_flag`, `repeated_flag`, `missing_value`, `invalid_value`, `conflicting_flags`,
 * `unexpected_argument`, `missing_argument`
 */
export function parseFlags(verb: Verb, args: readonly string[]): Flags | "help" {
  const refuse = (code: string, message: string): never => {
    throw new CliError(code, `${message}; see: npm run sentinel -- ${verb.name} --help`, 2);
  };
  const options = Object.fromEntries(
    Object.entries(verb.flags).map(([name, { value }]) => [
      name,
      { type: value === null ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  // Not strict: then the tokens say precisely what is wrong.
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options, help: { type: "boolean", short: "h" } },
    strict: false,
    tokens: true,
  });
  const values: Record<string, string> = {};
  let help = false;
  for (const token of tokens) {
    if (token.kind !== "option") {
      const { argument } = verb;
      if (argument === undefined || token.kind !== "positional")
        return refuse("unexpected_argument", `${verb.name} takes flags only`);
      if (values[argument.name] !== undefined) refuse("unexpected_argument", `there is one ${argument.value}`);
      const problem = argument.refuse?.(token.value) ?? null;
      if (problem !== null) refuse("invalid_value", `${argument.value} ${problem}`);
      values[argument.name] = token.value;
      continue;
    }
    if (token.name === "help") {
      help = true;
      continue;
    }
    const spec = Object.hasOwn(verb.flags, token.name) ? verb.flags[token.name] : undefined;
    if (spec === undefined || !token.rawName.startsWith("--")) {
      refuse("unknown_flag", `${verb.name} has no flag ${echo(token.rawName)}`);
      continue;
    }
    if (values[token.name] !== undefined) refuse("repeated_flag", `--${token.name} is given twice`);
    if (spec.value === null) {
      if (token.value !== undefined) refuse("unexpected_argument", `--${token.name} takes no value`);
      values[token.name] = "yes";
      continue;
    }
    // `--state --org` would swallow the next flag; a value that begins with -- needs `--state=…`.
    const { value } = token;
    if (value === undefined || value === "" || (!token.inlineValue && value.startsWith("--")))
      return refuse("missing_value", `--${token.name} needs ${spec.value}`);
    const problem = spec.refuse?.(value) ?? null;
    if (problem !== null) refuse("invalid_value", `--${token.name} ${problem}`);
    values[token.name] = value;
  }
  const together = (verb.exclusive ?? []).filter((name) => values[name] !== undefined);
  if (together.length > 1)
    refuse("conflicting_flags", `${together.map((name) => `--${name}`).join(" and ")} exclude each other`);
  if (help) return "help";
  const { argument } = verb;
  if (argument !== undefined && argument.optional !== true && values[argument.name] === undefined)
    refuse("missing_argument", `${verb.name} needs ${argument.value}`);
  return values;
}

export function helpText(): string {
  const width = Math.max(...verbs.map((verb) => verb.name.length));
  const lines = verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`);
  return ["npm run sentinel -- <verb> [flags]", "", ...lines, "", "Each verb has --help."].join("\n");
}

export function verbHelp(verb: Verb): string {
  const lines = Object.entries(verb.flags).map(
    ([name, spec]) => `  ${`--${name} ${spec.value ?? ""}`.padEnd(28)}${spec.help}`,
  );
  return [
    `npm run sentinel -- ${verb.name}${verb.argument === undefined ? "" : verb.argument.optional === true ? ` [${verb.argument.value}]` : ` ${verb.argument.value}`}${lines.length === 0 ? "" : " [flags]"}`,
    "",
    `${verb.summary}.`,
    ...(verb.details === undefined ? [] : ["", verb.details]),
    ...(lines.length === 0 ? [] : ["", ...lines]),
    ...(verb.examples === undefined
      ? []
      : ["", "Examples:", ...verb.examples.map((line) => `  npm run sentinel -- ${line}`)]),
  ].join("\n");
}

const verbNames = (): string => verbs.map((verb) => verb.name).join(", ");
