import { spawn } from "node:child_process";

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both. */
  readonly output: string;
}

/**
 * Runs a script on this Node while this process goes on: sockets are answered, clocks run.
 * @param input goes to its standard input, which ends
 */
export function runScript(
  args: readonly string[],
  { input = "", cwd }: { readonly input?: string; readonly cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], cwd === undefined ? {} : { cwd });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    // Who ends without reading what it is told says why by its status.
    child.stdin.on("error", () => undefined).end(input);
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, ...said, output: said.stdout + said.stderr }));
  });
}
