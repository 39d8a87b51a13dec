import type { Bar, Case } from "./cases.ts";
import { pinnedText } from "./processes.ts";
import { type BrokerResult, type CaseResult, sentinelName } from "./results.ts";

/** A core that is busy for more than this share of the time counts as full. */
const fullShare = 0.9;

/** The figures beside the bar, and then how it is known that they are the brokers' own. */
export function printTables(results: readonly CaseResult[], peers: readonly string[]): void {
  console.log(
    table(
      ["case", sentinelName, ...peers.flatMap((peer) => [peer, "ratio"]), "bar", "met"],
      results.map((result) => figures(result, peers)),
    ),
  );
  const incomplete = results.flatMap(shortcomings);
  if (incomplete.length > 0) console.log(`\nNot everything arrived, or was acknowledged:\n${incomplete.join("\n")}`);
  console.log(
    "\nIs the load generator the bottleneck? Shares of a core in %: the broker + others on its core / the generator + others\n" +
      `on its core (${pinnedText}). A broker whose core is full is its own limit; where\n` +
      "neither core is full, each waits for the other's answer, as one at a time must. † marks a figure that the generator\n" +
      "may have limited: its core was full, the broker's was not. Where others took much of the broker's core, the machine\n" +
      "was not free, and the figure is worth less.\n",
  );
  console.log(
    table(
      ["case", sentinelName, ...peers],
      results.filter(isTimed).map((result) => shares(result, peers)),
    ),
  );
}

const isTimed = ({ brokers }: CaseResult): boolean => !Number.isNaN(brokers[sentinelName]?.generatorBusy ?? Number.NaN);

function figures(
  { what, unit, bar, brokers, ratios, met, betterThanAedes }: CaseResult,
  peers: readonly string[],
): string[] {
  const besides = peers.flatMap((peer) => [figure(brokers[peer], unit), (ratios[peer] ?? Number.NaN).toFixed(2)]);
  const verdict = met === null ? "–" : met ? "yes" : "no";
  const aedes = betterThanAedes === false ? ", aedes is better" : "";
  return [what, figure(brokers[sentinelName], unit), ...besides, barText(bar, unit), `${verdict}${aedes}`];
}

function figure(result: BrokerResult | undefined, unit: Case["unit"]): string {
  if (result === undefined) return "–";
  if (Number.isNaN(result.value)) return "failed";
  const mark = isLimitedByGenerator(result) ? " †" : "";
  const digits = unit === "/s" ? 0 : result.value < 10 ? 2 : 1;
  const text = result.value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text}${unit === "/s" ? unit : ` ${unit}`}${mark}${result.missing === 0 ? "" : " !"}`;
}

const isLimitedByGenerator = ({ brokerBusy, besideBroker, generatorBusy, besideGenerator }: BrokerResult): boolean =>
  generatorBusy + besideGenerator > fullShare && brokerBusy + besideBroker < fullShare;

function barText(bar: Bar, unit: Case["unit"]): string {
  return bar.kind === "ratio" ? `≥ ${bar.least} of mosquitto` : `≤ ${bar.most} ${unit}`;
}

function shortcomings({ what, brokers }: CaseResult): string[] {
  return Object.entries(brokers).flatMap(([broker, { attempts }]) =>
    attempts.flatMap((attempt, round) => {
      const where = `- ${what}, ${broker}, round ${round + 1}:`;
      if ("failed" in attempt) return [`${where} ${attempt.failed}`];
      const { sent, received, unacknowledged } = attempt;
      if (sent === received && unacknowledged === 0) return [];
      return [`${where} ${received} of ${sent} arrived, ${unacknowledged} not acknowledged`];
    }),
  );
}

function shares({ what, brokers }: CaseResult, peers: readonly string[]): string[] {
  const percent = (share: number): string => (Number.isNaN(share) ? "?" : (share * 100).toFixed(0));
  const both = (result: BrokerResult | undefined): string => {
    if (result === undefined) return "–";
    const { brokerBusy, besideBroker, generatorBusy, besideGenerator } = result;
    return `${percent(brokerBusy)} + ${percent(besideBroker)} / ${percent(generatorBusy)} + ${percent(besideGenerator)}`;
  };
  return [what, ...[sentinelName, ...peers].map((name) => both(brokers[name]))];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
