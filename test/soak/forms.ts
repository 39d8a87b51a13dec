import { runCommand } from "../../scripts/test/run-command.ts";
import { hold, type Progress } from "./part.ts";

/** Files with a long form (`test/support/long-form.ts`). */
const files = ["test/attack/tenant/sql-injections.test.ts", "test/postgres/tenant-ownership.test.ts"];

/** Tests whose rounds are hundreds, with all of them. */
export async function soakForms(_options: unknown, progress: Progress): Promise<string> {
  progress.say(`running ${files.length} files of tests`);
  process.env["SENTINEL_LONG_FORM"] = "1";
  const { status, output } = await runCommand("vitest", ["run", "--project", "postgres", ...files], true);
  if (status !== 0) console.log(output);
  hold(status === 0, "a claim does not hold; its test is named above");
  return `${files.length} files of tests hold in their long form`;
}
