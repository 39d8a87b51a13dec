import { writeFileSync } from "node:fs";
import { printHeading } from "../report.ts";
import { type Case, type CaseName, cases } from "./cases.ts";
import { Generator } from "./generator-process.ts";
import type { BrokerOptions, PeerName } from "./options.ts";
import { startMosquitto } from "./peers/mosquitto.ts";
import { startAedes, startBare } from "./peers/node-peers.ts";
import { startBatching, startFarObject, startNearObject, startObject } from "./peers/object.ts";
import type { Peer } from "./peers/peer.ts";
import { peerTarget } from "./peers/peer-target.ts";
import { brokerCore, otherCore, pin } from "./processes.ts";
import { type Attempt, type CaseResult, judge } from "./results.ts";
import { startSentinel } from "./sentinel.ts";
import { printTables } from "./tables.ts";
import type { Target } from "./target.ts";

const starters: Record<PeerName, () => Promise<Peer | null>> = {
  mosquitto: startMosquitto,
  aedes: startAedes,
  bare: startBare,
  object: startObject,
  batching: startBatching,
  "object-near": startNearObject,
  "object-far": startFarObject,
};

/**
 * The broker's speed, beside other brokers under the same load in the same rounds. Prints its own
 * tables: a ratio needs more columns than the other benchmarks have.
 */
export async function benchBroker(options: BrokerOptions): Promise<void> {
  // What is started from here on inherits it; the brokers are moved.
  pin(process.pid, otherCore);
  const variants = options.shards.length === 0 ? [null] : options.shards;
  const measured: { readonly shards: number | null; readonly results: readonly CaseResult[] }[] = [];
  for (const shards of variants) {
    const { results, peers } = await measureAll(options, shards === null ? [] : ["--hub-shards", String(shards)]);
    printHeading(
      `${options.rounds} rounds of ${options.seconds} s, medians${shards === null ? "" : ` · hub shards: ${shards}`}`,
    );
    printTables(results, peers);
    measured.push({ shards, results });
  }
  if (options.json === null) return;
  const { rounds, seconds } = options;
  writeFileSync(options.json, `${JSON.stringify({ rounds, seconds, measured }, null, 2)}\n`);
}

async function measureAll(options: BrokerOptions, flags: readonly string[]) {
  const stops: (() => Promise<void> | void)[] = [];
  try {
    say("starting the brokers");
    const targets: Target[] = [];
    const sentinel = await startSentinel(flags);
    stops.push(sentinel.stop);
    targets.push(sentinel.target);
    for (const name of options.peers) {
      const peer = await starters[name]();
      if (peer === null) {
        say(`${name} is not installed`);
        continue;
      }
      stops.push(peer.stop);
      targets.push(peerTarget(name, peer));
    }
    for (const { pid } of targets) pin(pid, brokerCore);
    const generator = new Generator();
    stops.push(() => generator.stop());
    const attempts = await interleave(options, targets, generator);
    const results = [...attempts].map(([name, ofBrokers]) => judge(name, ofBrokers));
    return { results, peers: targets.slice(1).map(({ name }) => name) };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Case by case, each broker in turn, round after round; another broker begins each round. */
async function interleave(
  options: BrokerOptions,
  targets: readonly Target[],
  generator: Generator,
): Promise<ReadonlyMap<CaseName, ReadonlyMap<string, readonly Attempt[]>>> {
  const attempts = new Map(
    options.cases.map((name) => [name, new Map(targets.map((target) => [target.name, [] as Attempt[]]))]),
  );
  for (let round = 0; round < options.rounds; round += 1) {
    for (const name of options.cases) {
      if (round > 0 && (cases[name] as Case).once === true) continue;
      for (let turn = 0; turn < targets.length; turn += 1) {
        const target = targets[(round + turn) % targets.length]!;
        const attempt = await attemptOf(generator, name, target, options.seconds);
        say(
          `round ${round + 1}, ${name}, ${target.name}: ${"failed" in attempt ? attempt.failed : attempt.value.toFixed(1)}`,
        );
        attempts.get(name)?.get(target.name)?.push(attempt);
      }
    }
  }
  return attempts;
}

function attemptOf(generator: Generator, name: CaseName, target: Target, seconds: number): Promise<Attempt> {
  return generator.run({ name, target, seconds }).catch((error: Error) => ({ failed: error.message }));
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
