import { decide, type WafDecision } from "../../workers/edge/gates/waf/decide.ts";
import { readBody } from "../../workers/edge/gates/waf/read-body.ts";
import { documents } from "../attack/waf/honest/documents.ts";
import { people, sentences } from "../attack/waf/honest/words.ts";
import type { Row } from "./report.ts";
import { overRounds } from "./statistics.ts";

/** Calls of one case in one round: enough for a p99 of its own. */
const callsPerRound = 400;
/** Calls before the first round, for the compiler. */
const warmUpCalls = 1_500;

interface Case {
  readonly what: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

const browser = {
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
  Accept: "application/json, text/plain, */*",
  "Accept-Language": "en-IN,en;q=0.9,hi;q=0.8",
  Referer: "https://sentinel.example/o/demo/devices?page=2",
  Cookie: "theme=dark; _ga=GA1.2.123456789.1234567890",
};

/** A text of some size, of what people and programs write: names with apostrophes, prose, code, logs. */
const textOf = (characters: number): string =>
  documents
    .join("\n")
    .repeat(Math.ceil(characters / 8000))
    .slice(0, characters);

/** Honest requests of three sizes. */
export function cases(): Case[] {
  const headers = { ...browser, "Content-Type": "application/json" };
  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const records = Array.from({ length: 20 }, (_, index) => ({
    id: `dev_01j9z3v7q8x5k2m4n6p8r0t2${index}`,
    name: people[index % people.length],
    note: sentences[index % sentences.length],
    load: index / 7,
  }));
  const write = encode({ title: "Class 7A's list", records, text: textOf(1_300) });
  return [
    {
      what: "a small GET",
      target: "/api/v1/orgs/demo/devices?limit=50&cursor=eyJhIjoxfQ",
      headers: browser,
      body: null,
    },
    { what: "a 4 kB JSON write", target: "/api/v1/orgs/demo/items", headers, body: write.slice(0) },
    {
      what: "a 100 kB document",
      target: "/api/v1/orgs/demo/documents",
      headers,
      body: encode({ title: "Notes", body: textOf(100_000) }),
    },
  ];
}

/** All that the gate does for one request: read the body, collect, normalise, detect, score, decide. */
function judge({ target, headers, body }: Case, fields: Headers): WafDecision {
  const [rawPath = "/", rawQuery = null] = target.split("?");
  const read = body === null ? null : readBody(body, headers["Content-Type"] ?? null);
  return decide({ rawPath, rawQuery, headers: fields, body: read, exemptions: [] });
}

/**
 * Microseconds that a request spends in the WAF, one core, each case beside a call that does nothing: the
 * two take turns, so that neither has the quieter machine. The cases don't, or each would meet the caches that a
 * document of 100 kB has left.
 */
export function benchWaf(rounds: number): Promise<Row[]> {
  const measured = cases().map((one) => ({
    ...one,
    fields: new Headers(one.headers),
    samples: [] as number[][],
    empty: [] as number[][],
  }));
  for (const one of measured) {
    if (!judge(one, one.fields).allowed) throw new Error(`${one.what} is refused`);
    for (let call = 0; call < warmUpCalls / (one.body === null ? 1 : 3); call += 1) judge(one, one.fields);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const one of measured) {
      const [samples, empty]: [number[], number[]] = [[], []];
      for (let call = 0; call < callsPerRound; call += 1) {
        samples.push(microseconds(() => judge(one, one.fields)));
        empty.push(microseconds(() => null));
      }
      one.samples.push(samples);
      one.empty.push(empty);
    }
  }
  return Promise.resolve(
    measured.flatMap(({ what, body, samples, empty }) => {
      const [ours, nothing] = [overRounds(samples), overRounds(empty)];
      const size = body === null ? "" : ` (${body.length.toLocaleString("en")} bytes)`;
      return [
        {
          what: `WAF, ${what}${size}, p50`,
          value: `${ours.p50.toFixed(1)} µs`,
          beside: `an empty call: ${nothing.p50.toFixed(1)} µs`,
        },
        {
          what: "the same, p99",
          value: `${ours.p99.toFixed(1)} µs`,
          beside: `an empty call: ${nothing.p99.toFixed(1)} µs`,
        },
      ];
    }),
  );
}

function microseconds(call: () => unknown): number {
  const startedAt = performance.now();
  call();
  return (performance.now() - startedAt) * 1_000;
}
