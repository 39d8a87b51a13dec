/** `npm run bench`: this machine's figures, each beside a peer or a bare baseline of the same run. */
import { parseArgs } from "node:util";
import { benchAudit } from "./audit/audit.ts";
import { benchBroker } from "./broker/broker.ts";
import { type BrokerOptions, brokerHelp, parseBrokerOptions } from "./broker/options.ts";
import { benchCapabilities } from "./capabilities/capabilities.ts";
import { benchCodec } from "./codec.ts";
import { benchData } from "./data.ts";
import { benchEdge } from "./edge/edge.ts";
import { benchHttp } from "./http.ts";
import { benchIdle } from "./idle.ts";
import { benchMqtt } from "./mqtt.ts";
import { printReport, type Row } from "./report.ts";
import { benchSignIn } from "./sign-in.ts";
import { benchSize } from "./size.ts";
import { benchStart } from "./start.ts";
import { benchTokens } from "./tokens.ts";
import { benchWaf } from "./waf.ts";
import { benchWafRules } from "./waf-rules.ts";

const benches = {
  size: benchSize,
  start: benchStart,
  http: benchHttp,
  "sign-in": benchSignIn,
  data: benchData,
  mqtt: benchMqtt,
  codec: benchCodec,
  idle: benchIdle,
  tokens: benchTokens,
  waf: benchWaf,
  "waf-rules": benchWafRules,
  audit: benchAudit,
  edge: benchEdge,
  capabilities: benchCapabilities,
};
type BenchName = keyof typeof benches | "broker";
const benchNames: readonly BenchName[] = [...(Object.keys(benches) as (keyof typeof benches)[]), "broker"];

const roundsDefault = 5;
/** Ten cases at three brokers: four minutes. */
const brokerRoundsDefault = 3;

const help = `npm run bench -- [NAME] [options]

  NAME, --only NAME  one of ${benchNames.join(", ")} (default: all)
  --rounds N         rounds of each measurement, medians over them (default ${roundsDefault}; broker ${brokerRoundsDefault})
  --help             this text
${brokerHelp}`;

interface Wanted {
  readonly names: readonly BenchName[];
  readonly rounds: number;
  readonly broker: BrokerOptions;
}

/** @throws Error that says which argument is wrong */
function parse(): Wanted | "help" {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string" },
      rounds: { type: "string" },
      "only-case": { type: "string" },
      seconds: { type: "string" },
      peers: { type: "string" },
      shards: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const rounds = Number(values.rounds ?? roundsDefault);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new Error(`--rounds takes a whole number from 1 to 100, not "${values.rounds}"`);
  const wanted = [...positionals, ...(values.only === undefined ? [] : [values.only])];
  const unknown = wanted.find((name) => !benchNames.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`there is no benchmark "${unknown}"`);
  return {
    names: benchNames.filter((name) => wanted.length === 0 || wanted.includes(name)),
    rounds,
    broker: parseBrokerOptions(values, values.rounds === undefined ? brokerRoundsDefault : rounds),
  };
}

async function run({ names, rounds, broker }: Wanted): Promise<void> {
  const rows: Row[] = [];
  for (const name of names) if (name !== "broker") rows.push(...(await benches[name](rounds)));
  if (rows.length > 0) printReport(rows, `${rounds} rounds, medians`);
  // Last: it binds this process, and with it all that it starts, to a core.
  if (names.includes("broker")) await benchBroker(broker);
}

let wanted: Wanted | "help" | null = null;
try {
  wanted = parse();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${help}`);
  process.exitCode = 2;
}
if (wanted === "help") process.stdout.write(help);
else if (wanted !== null) await run(wanted);
