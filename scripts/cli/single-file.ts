import { type ParseArgsConfig, parseArgs } from "node:util";
import { CliError } from "./cli-error.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ allowPositionals: true; options: O }>>;

/**
 * Runs a program that is given away as one file and does one thing with one log.
 * @param usage shown for `--help` and for anything but one log
 * @param options its flags, beside `--help`
 * @param work what it does. @returns the exit status
 */
export async function runSingleFile<O extends Options>(
  usage: string,
  options: O,
  work: (log: string, values: Parsed<O>["values"]) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await main(usage, options, work);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = error.status;
  }
}

async function main<O extends Options>(
  usage: string,
  options: O,
  work: (log: string, values: Parsed<O>["values"]) => Promise<number>,
): Promise<number> {
  const { values, positionals } = parse(options);
  const help = (values as { readonly help?: boolean }).help === true;
  const [log, ...more] = positionals;
  if (help || log === undefined || more.length > 0) {
    console.log(usage);
    return help ? 0 : 2;
  }
  return await work(log, values);
}

function parse<O extends Options>(options: O): Parsed<O> {
  try {
    const help = { type: "boolean", short: "h" } as const;
    return parseArgs({ allowPositionals: true, options: { ...options, help } }) as unknown as Parsed<O>;
  } catch (error) {
    throw new CliError("unknown_flag", (error as Error).message, 2);
  }
}
