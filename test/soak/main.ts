/** `npm run soak`: the long ones. docs/soak.md says what each part shows. */
import { parseArgs } from "node:util";
import { soakAudit } from "./audit/audit.ts";
import { soakCodec } from "./codec/codec.ts";
import { soakForms } from "./forms.ts";
import { soakKills } from "./kills/kills.ts";
import { soakMigrations } from "./migrations.ts";
import { startProgress, Violation } from "./part.ts";
import { soakSlow } from "./slow.ts";
import { soakSockets } from "./sockets.ts";
import { stopRunningStacks } from "./stacks.ts";
import { soakTenants } from "./tenants.ts";

/** Each part says what it does while it runs, and returns one line of figures; it throws a Violation. */
const parts = {
  kills: soakKills,
  audit: soakAudit,
  codec: soakCodec,
  sockets: soakSockets,
  slow: soakSlow,
  tenants: soakTenants,
  migrations: soakMigrations,
  forms: soakForms,
};
type PartName = keyof typeof parts;
const names = Object.keys(parts) as PartName[];

/** All parts together, in minutes. */
const minutesMax = 60;

const help = `npm run soak -- [options]

  --only NAME     one of ${names.join(", ")} (default: all, in this order)
  --minutes N     how long codec runs, 1 to 50 (default 10)
  --rounds N      rounds of kills and audit, 1 to 400 (default 200)
  --hub-shards N  kills: objects that each tenant's devices are spread over, 1 to 64 (default 1)
  --tenants N     migrations: tenants that are made and migrated, 20 to 10000 (default 2000)
  --seed N        repeats the random choices of an earlier run (default: a new one, printed)
  --help          this text
`;

function parse(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      minutes: { type: "string", default: "10" },
      rounds: { type: "string", default: "200" },
      "hub-shards": { type: "string", default: "1" },
      tenants: { type: "string", default: "2000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
      help: { type: "boolean", short: "h" },
    },
  });
  const whole = (flag: "minutes" | "rounds" | "hub-shards" | "tenants" | "seed", min: number, max: number): number => {
    const value = /^\d{1,9}$/.test(values[flag]) ? Number(values[flag]) : Number.NaN;
    if (!(value >= min && value <= max)) throw new RangeError(`--${flag} takes a whole number from ${min} to ${max}`);
    return value;
  };
  const chosen = names.filter((name) => values.only === undefined || name === values.only);
  if (chosen.length === 0) throw new RangeError(`--only takes one of ${names.join(", ")}`);
  const options = {
    minutes: whole("minutes", 1, 50),
    rounds: whole("rounds", 1, 400),
    hubShards: whole("hub-shards", 1, 64),
    tenants: whole("tenants", 20, 10_000),
    seed: whole("seed", 0, 999_999_999),
  };
  return { help: values.help === true, chosen, options };
}

async function run(chosen: readonly PartName[], options: ReturnType<typeof parse>["options"]): Promise<boolean> {
  let held = true;
  for (const name of chosen) {
    const startedAtMs = performance.now();
    const progress = startProgress(name);
    const line = await parts[name](options, progress).then(
      (figures) => `✓ ${name}: ${figures}`,
      (error: Error) => {
        held = false;
        return `✗ ${name}: ${error instanceof Violation ? error.message : (error.stack ?? error.message)}`;
      },
    );
    progress.stop();
    console.log(`${line} (${((performance.now() - startedAtMs) / 1000).toFixed(0)} s, seed ${options.seed})`);
  }
  return held;
}

async function end(status: number, why?: string): Promise<never> {
  if (why !== undefined) console.log(why);
  await stopRunningStacks();
  process.exit(status);
}

let parsed: ReturnType<typeof parse> | null = null;
try {
  parsed = parse(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bad_flag: ${(error as Error).message}\n\n${help}`);
  process.exitCode = 2;
}
if (parsed?.help === true) {
  process.stdout.write(help);
} else if (parsed !== null) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end(130, "stopped"));
  setTimeout(() => void end(1, `✗ not done within ${minutesMax} minutes`), minutesMax * 60_000).unref();
  await end((await run(parsed.chosen, parsed.options)) ? 0 : 1);
}
