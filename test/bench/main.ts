/** `npm run bench`: this machine's figures, each beside a peer or a bare baseline of the same run. */
import { parseArgs } from "node:util";
import { benchHttp } from "./http.ts";
import { benchMqtt } from "./mqtt.ts";
import { printReport, type Row } from "./report.ts";
import { benchSize } from "./size.ts";
import { benchStart } from "./start.ts";

const benches = { size: benchSize, start: benchStart, http: benchHttp, mqtt: benchMqtt };
type BenchName = keyof typeof benches;

const help = `npm run bench -- [options]

  --only NAME   one of ${Object.keys(benches).join(", ")} (default: all)
  --rounds N    rounds of each measurement, medians over them (default 5)
  --help        this text
`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "5" },
    help: { type: "boolean", short: "h" },
  },
});
const rounds = Number(values.rounds);
const names = Object.keys(benches) as BenchName[];
const chosen = values.only === undefined ? names : names.filter((name) => name === values.only);
if (values.help === true) {
  process.stdout.write(help);
} else if (chosen.length === 0 || !Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
  process.stderr.write(help);
  process.exitCode = 2;
} else {
  const rows: Row[] = [];
  for (const name of chosen) rows.push(...(await benches[name](rounds)));
  printReport(rows, `${rounds} rounds, medians`);
}
