import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { paceMax } from "../../core/pace.ts";
import { StackError } from "./stack-error.ts";

/** What `npm start -- …` was asked for. */
export interface StackOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Absolute path of the state folder. */
  readonly stateDir: string;
  readonly agent: boolean;
  readonly demo: boolean;
  /** Multiplies every rate limit. */
  readonly limitScale: number;
  /** Objects that each tenant's devices are spread over. */
  readonly hubShards: number;
  /** How many times as often happens what happens by the minute. */
  readonly pace: number;
  readonly quiet: boolean;
}

export const helpText = `npm start -- [options]

  --port N          port of the dashboard and the API (default 8787; 0 picks a free one)
  --state DIR       database, objects, generated secrets, mail (default .sentinel)
  --no-agent        do not enrol and run the agent on this machine
  --no-demo         do not create the demo organisation (implies --no-agent)
  --limit-scale N   multiply every rate limit, for load tests (default 1)
  --hub-shards N    spread each tenant's devices over N objects, 1 to 64 (default 1)
  --pace N          do what happens by the minute N times a minute, 1 to 60 (default 1)
  --quiet           print only the ready line and errors
  --help            this text
`;

/**
 * Parses the arguments.
 * @throws StackError `bad_flag` before anything was touched
 */
export function parseOptions(args: readonly string[]): StackOptions | "help" {
  let values: ReturnType<typeof parse>["values"];
  try {
    ({ values } = parse(args));
  } catch (error) {
    throw new StackError("bad_flag", (error as Error).message, "Run npm start -- --help for the flags.");
  }
  if (values.help === true) return "help";
  return {
    port: integer("--port", values.port ?? "8787", 0, 65_535),
    stateDir: resolve(values.state ?? ".sentinel"),
    agent: values["no-agent"] !== true && values["no-demo"] !== true,
    demo: values["no-demo"] !== true,
    limitScale: integer("--limit-scale", values["limit-scale"] ?? "1", 1, 1_000_000),
    hubShards: integer("--hub-shards", values["hub-shards"] ?? "1", 1, 64),
    pace: integer("--pace", values.pace ?? "1", 1, paceMax),
    quiet: values.quiet === true,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      port: { type: "string" },
      state: { type: "string" },
      "no-agent": { type: "boolean" },
      "no-demo": { type: "boolean" },
      "limit-scale": { type: "string" },
      "hub-shards": { type: "string" },
      pace: { type: "string" },
      quiet: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}

function integer(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new StackError(
      "bad_flag",
      `${flag} takes a whole number from ${min} to ${max}, not "${text}"`,
      "Run npm start -- --help for the flags.",
    );
  }
  return value;
}
