/** Command line → what to do. Everything is checked here, before any side effect. Pure. */
import { parseArgs } from "node:util";
import { readEnrollmentCode } from "../enroll/code.ts";
import { parseServerUrl } from "../enroll/url.ts";
import { type CommandName, commandFlags, type FlagSpec } from "./flags.ts";

/** Below a tenth of a second the collectors would be the load they measure. */
export const intervalSecondsMin = 0.1;
/** An hour: beyond it a device looks lost between readings. */
export const intervalSecondsMax = 3600;
const intervalSecondsDefault = 5;
/** As the server's own bound on a device's name. */
export const nameCharactersMax = 100;

export type Invocation =
  | {
      readonly kind: "enroll";
      readonly origin: string /** Null: on standard input. */;
      readonly code: string | null;
      readonly name: string | null;
      readonly state: string | null;
      readonly caFile: string | null;
      readonly force: boolean;
    }
  | { readonly kind: "run"; readonly state: string | null; readonly intervalMs: number }
  | { readonly kind: "status"; readonly state: string | null; readonly json: boolean }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "usage_error"; readonly code: UsageCode; readonly detail: string };

export type UsageCode =
  | "missing_command"
  | "unknown_command"
  | "unknown_flag"
  | "missing_flag"
  | "missing_value"
  | "unexpected_argument"
  | "repeated_flag"
  | "invalid_url"
  | "https_required"
  | "invalid_code"
  | "invalid_name"
  | "invalid_interval"
  | "invalid_path";

type Values = Readonly<Record<string, string | boolean | undefined>>;

const usageError = (code: UsageCode, detail: string): Invocation => ({ kind: "usage_error", code, detail });

export function parseInvocation(argv: readonly string[]): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined) return usageError("missing_command", "say enroll, run, status, help or version");
  const name = first === "--help" || first === "-h" ? "help" : first === "--version" ? "version" : first;
  if (!Object.hasOwn(commandFlags, name))
    return usageError("unknown_command", "there is enroll, run, status, help and version");
  const command = name as CommandName;
  if (rest.includes("--help") || rest.includes("-h")) return { kind: "help" };
  const values = parseFlags(rest, commandFlags[command]);
  if ("kind" in values) return values;
  switch (command) {
    case "enroll":
      return parseEnroll(values.values);
    case "run":
      return parseRun(values.values);
    case "status":
      return withState(values.values, (state) => ({ kind: "status", state, json: values.values["json"] === true }));
    case "help":
    case "version":
      return { kind: command };
  }
}

function parseFlags(
  args: readonly string[],
  flags: Readonly<Record<string, FlagSpec>>,
): { readonly values: Values } | (Invocation & { kind: "usage_error" }) {
  const refuse = (code: UsageCode, detail: string) => ({ kind: "usage_error", code, detail }) as const;
  const options = Object.fromEntries(Object.entries(flags).map(([flag, { type }]) => [flag, { type }]));
  // Not strict: then the tokens say precisely what is wrong, and nothing of a value is echoed.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const values: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind !== "option") return refuse("unexpected_argument", "only flags may follow the command");
    const spec = flags[token.name];
    if (spec === undefined || !token.rawName.startsWith("--"))
      return refuse("unknown_flag", `no flag ${token.rawName.slice(0, 40)} here; see sentinel-agent help`);
    if (values[token.name] !== undefined) return refuse("repeated_flag", `--${token.name} is given twice`);
    if (spec.type === "boolean") {
      if (token.value !== undefined) return refuse("unexpected_argument", `--${token.name} takes no value`);
      values[token.name] = true;
    } else {
      // `--url --code` would swallow the next flag; a value that begins with -- needs `--url=…`.
      if (token.value === undefined || token.value === "" || (!token.inlineValue && token.value.startsWith("--"))) {
        return refuse("missing_value", `--${token.name} needs ${spec.value}`);
      }
      values[token.name] = token.value;
    }
  }
  for (const [flag, spec] of Object.entries(flags)) {
    if (spec.required === true && values[flag] === undefined)
      return refuse("missing_flag", `--${flag} ${spec.value} is needed`);
  }
  return { values };
}

function parseEnroll(values: Values): Invocation {
  const url = parseServerUrl(text(values, "url") ?? "");
  if (url.kind === "refused") return usageError(url.code, url.detail);
  const given = text(values, "code") ?? "";
  const code = given === "-" ? null : readEnrollmentCode(given);
  if (given !== "-" && code === null)
    return usageError("invalid_code", "--code is not an enrolment code: slug, hyphen, letters and digits");
  const name = text(values, "name");
  if (name !== null && !isDeviceName(name))
    return usageError("invalid_name", `--name is 1 to ${nameCharactersMax} printable characters`);
  const caFile = text(values, "ca");
  if (caFile?.includes("\0") === true) return usageError("invalid_path", "--ca is not a path");
  return withState(values, (state) => ({
    kind: "enroll",
    origin: url.origin,
    code,
    name,
    state,
    caFile,
    force: values["force"] === true,
  }));
}

function parseRun(values: Values): Invocation {
  const given = text(values, "interval");
  const seconds =
    given === null ? intervalSecondsDefault : /^\d{1,4}(?:\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN;
  if (!(seconds >= intervalSecondsMin && seconds <= intervalSecondsMax)) {
    return usageError("invalid_interval", `--interval is ${intervalSecondsMin} to ${intervalSecondsMax} seconds`);
  }
  return withState(values, (state) => ({ kind: "run", state, intervalMs: Math.round(seconds * 1000) }));
}

function withState(values: Values, build: (state: string | null) => Invocation): Invocation {
  const state = text(values, "state");
  return state?.includes("\0") === true ? usageError("invalid_path", "--state is not a path") : build(state);
}

function text(values: Values, flag: string): string | null {
  const value = values[flag];
  return typeof value === "string" ? value : null;
}

/** Printable, and something besides spaces. */
export function isDeviceName(name: string): boolean {
  return name.trim() !== "" && [...name].length <= nameCharactersMax && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(name);
}
