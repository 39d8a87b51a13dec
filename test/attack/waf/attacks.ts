import { codeAttacks, codeNames, templateAttacks, xmlAttacks } from "./attacks/code.ts";
import { commandAttacks } from "./attacks/command.ts";
import { pathAttacks, traversalAttacks } from "./attacks/files.ts";
import { nosqlAttacks, nosqlNames } from "./attacks/nosql.ts";
import { directoryAttacks, forgeryAttacks, protocolAttacks, scannerAgents, uploadAttacks } from "./attacks/other.ts";
import { sqlAttacks } from "./attacks/sql.ts";
import { xssAttacks } from "./attacks/xss.ts";
import { browserAgent, type CorpusRequest, formType, pick, random } from "./request.ts";

type Place = (payload: string, next: () => number) => Omit<CorpusRequest, "kind" | "seed">;

const headers = { "User-Agent": browserAgent, Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const names = ["q", "id", "name", "search", "page", "file", "cmd", "url", "user", "comment", "lang", "redirect"];
const noise = ["lang=en", "page=2", "utm_source=newsletter", "sort=asc", "_=1700000000000", "view=list"];

const get = (target: string): ReturnType<Place> => ({ method: "GET", target, headers, body: null });
const post = (type: string, body: string): ReturnType<Place> => ({
  method: "POST",
  target: "/api/v1/items",
  headers: { ...headers, "Content-Type": type },
  body,
});
const form = (pairs: readonly (readonly [string, string])[]): string =>
  new URLSearchParams(pairs.map(([a, b]) => [a, b])).toString();

/** Where a payload may stand. */
const places: Readonly<Record<string, Place>> = {
  query: (payload, next) => get(`/?${pick(next, names)}=${encodeURIComponent(payload)}`),
  queryAmongOthers: (payload, next) =>
    get(`/shop/list?${pick(next, noise)}&${pick(next, names)}=${encodeURIComponent(payload)}&${pick(next, noise)}`),
  form: (payload, next) =>
    post(
      formType,
      form([
        ["csrf", "a1b2c3"],
        [pick(next, names), payload],
        ["submit", "Send"],
      ]),
    ),
  json: (payload, next) => post("application/json", JSON.stringify({ [pick(next, names)]: payload, n: 3 })),
  jsonNested: (payload) =>
    post("application/json; charset=utf-8", JSON.stringify({ a: { list: [{ text: payload }] }, ok: true })),
  jsonInString: (payload) => post("application/json", JSON.stringify({ data: JSON.stringify({ inner: payload }) })),
  cookie: (payload) => ({
    ...get("/"),
    headers: { ...headers, Cookie: `theme=dark; track=${encodeURIComponent(payload)}; lang=en` },
  }),
  header: (payload) => ({ ...get("/"), headers: { ...headers, "X-Api-Version": printable(payload) } }),
  referer: (payload) => ({
    ...get("/"),
    headers: { ...headers, Referer: `https://x.example/?p=${encodeURIComponent(payload)}` },
  }),
  multipart: (payload) =>
    post(
      "multipart/form-data; boundary=XX",
      `--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\n${payload}\r\n--XX--\r\n`,
    ),
  pathSegment: (payload) => get(`/search/${encodeURIComponent(payload)}`),
  padded: (payload) => post("application/json", JSON.stringify({ filler: "A".repeat(9000), text: payload })),
};
const common = ["query", "queryAmongOthers", "form", "json", "jsonNested", "jsonInString", "multipart", "cookie"];

/** A header can't hold line breaks or other controls; a client would send them encoded. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, (character) => encodeURIComponent(character));

type Change = (payload: string, next: () => number) => string;
const plain: Change = (payload) => payload;
/** Ways to write the same attack. */
const changes: Readonly<Record<string, Change>> = {
  plain,
  twice: (payload) => encodeURIComponent(payload),
  mixedCase: (payload, next) =>
    payload.replace(/[a-z]/gi, (letter) => (next() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())),
  comments: (payload) => payload.replaceAll(" ", "/**/"),
  tabs: (payload) => payload.replaceAll(" ", "\t"),
  entities: (payload) => payload.replace(/[<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
  wide: (payload) => payload.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
  unicodeEscapes: (payload) =>
    payload.replace(/[<>'"]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
};

/** Makes `count` variants of each seed: the first is plain in a query, the others are drawn. */
function spread(
  kind: string,
  seeds: readonly string[],
  count: number,
  places_: readonly string[],
  changes_: readonly string[],
): CorpusRequest[] {
  return seeds.flatMap((seed) => {
    const next = random(`${kind}:${seed}`);
    return Array.from({ length: count }, (_, index) => {
      const place = index === 0 ? "query" : pick(next, places_);
      const change = index <= 1 ? plain : (changes[pick(next, changes_)] as Change);
      return { kind, seed, ...(places[place] as Place)(change(seed, next), next) };
    });
  });
}

const named = (kind: string, seeds: readonly string[]): CorpusRequest[] =>
  seeds.flatMap((seed) => [
    { kind, seed, ...get(`/?${encodeURIComponent(seed)}=1`) },
    { kind, seed, ...post(formType, `${encodeURIComponent(seed)}=1&a=b`) },
    { kind, seed, ...post("application/json", `{"a":1,${JSON.stringify(seed)}:"x"}`) },
  ]);

const upload = (name: string, content: string): CorpusRequest => ({
  kind: "upload",
  seed: name,
  ...post(
    "multipart/form-data; boundary=----Form7",
    `------Form7\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n${content}\r\n------Form7--\r\n`,
  ),
});

/** Every attack: seeds by hand, variants by place and spelling. */
export const attacks: readonly CorpusRequest[] = [
  ...spread(
    "sql_injection",
    sqlAttacks,
    4,
    [...common, "referer", "pathSegment", "padded"],
    ["plain", "twice", "mixedCase", "comments", "tabs", "wide"],
  ),
  ...spread("nosql_injection", nosqlAttacks, 2, ["query", "form", "json", "cookie"], ["plain"]),
  ...named("nosql_injection", nosqlNames),
  ...spread(
    "cross_site_scripting",
    xssAttacks,
    4,
    [...common, "referer", "pathSegment", "padded"],
    ["plain", "twice", "mixedCase", "entities", "unicodeEscapes", "wide"],
  ),
  ...spread("command_injection", commandAttacks, 3, [...common, "header"], ["plain", "plain", "twice"]),
  ...spread("path_traversal", traversalAttacks, 3, [...common], ["plain", "twice"]),
  ...pathAttacks.map((seed) => ({ kind: "restricted_path", seed, ...get(seed.replaceAll(" ", "%20")) })),
  ...spread("template_injection", templateAttacks, 3, [...common, "header", "pathSegment"], ["plain", "twice"]),
  ...spread("code_injection", codeAttacks, 3, [...common], ["plain", "twice"]),
  ...named("code_injection", codeNames),
  ...spread("xml", xmlAttacks, 2, ["form", "json", "multipart"], ["plain"]),
  ...xmlAttacks.map((seed) => ({ kind: "xml", seed, ...post("application/xml", seed) })),
  ...spread("directory_injection", directoryAttacks, 2, ["form", "json"], ["plain"]),
  ...protocolAttacks.map((seed) => ({
    kind: "protocol",
    seed,
    ...get(`/?to=${seed.replace(/[\r\n ]/g, (character) => encodeURIComponent(character))}`),
  })),
  ...spread("request_forgery", forgeryAttacks, 3, ["query", "form", "json"], ["plain", "twice"]),
  ...scannerAgents.map((seed) => ({
    kind: "scanner",
    seed,
    method: "GET",
    target: "/",
    headers: { ...headers, "User-Agent": seed },
    body: null,
  })),
  ...uploadAttacks.map(([name, content]) => upload(name, content)),
];
