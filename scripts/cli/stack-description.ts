import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliError } from "./cli-error.ts";

/** What `DIR/stack.json` says of a stack on this machine, as far as the verbs use it. */
export interface StackDescription {
  readonly url: string;
  readonly databaseUrls: Readonly<Record<string, string>>;
  readonly pids: Readonly<Record<string, number>>;
  /** Null: written by a version that had no operator's token. */
  readonly operatorTokenFile: string | null;
}

/** @throws CliError `no_stack`, `broken_stack_json` */
export function readStackDescription(stateDir: string | undefined): StackDescription {
  const path = join(resolve(stateDir ?? ".sentinel"), "stack.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CliError(
      "no_stack",
      `can't read ${path} (${(error as NodeJS.ErrnoException).code}); start it: npm start`,
    );
  }
  let value: Partial<Record<keyof StackDescription, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const { url, databaseUrls, pids, operatorTokenFile } = value ?? {};
  if (
    typeof url !== "string" ||
    URL.parse(url) === null ||
    !isTable(databaseUrls, "string") ||
    !isTable(pids, "number")
  )
    throw new CliError("broken_stack_json", `${path} is not what a stack wrote; every start writes it anew`);
  const tokenFile = typeof operatorTokenFile === "string" ? operatorTokenFile : null;
  return { url, databaseUrls, pids, operatorTokenFile: tokenFile } as StackDescription;
}

function isTable(value: unknown, type: "string" | "number"): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((item) => typeof item === type)
  );
}
