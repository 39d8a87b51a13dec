import { afterEach, expect, test, vi } from "vitest";
import { localEdge } from "../../../scripts/stack/local-edge.ts";

interface CountingEdge {
  fetch(request: unknown, env: object, context: unknown): Promise<{ success: boolean }[]>;
}

interface LocalWorker {
  readonly modules: readonly [{ readonly contents: string }];
}

const asText = (module: string): string => `data:text/javascript,${encodeURIComponent(module)}`;
/** Counts each of the keys it is given, and takes what else it is bound to along. */
const asking = "export default { fetch: (keys, { FLOOD }) => Promise.all(keys.map((key) => FLOOD.limit({ key }))) };";

const options = (limit: number) => ({
  compatibilityDate: "2026-10-20",
  ratelimits: { FLOOD: { namespace_id: "1001", simple: { limit, period: 60 as const } } },
  modules: [{ type: "ESModule", path: "index.mjs", contents: asking }] as const,
  serviceBindings: { STUDIO: "studio" },
});

async function countingEdge(limit: number): Promise<CountingEdge> {
  const [edge] = localEdge(options(limit), { directory: "files", binding: "ASSETS" }) as unknown as [LocalWorker];
  const [main] = edge.modules;
  // Another text each time: a module that was loaded once is not loaded again.
  const text = `${main.contents.replace("./edge.mjs", asText(asking))}\n// ${Math.random()}`;
  return (await import(/* @vite-ignore */ asText(text))).default as CountingEdge;
}

afterEach(() => {
  vi.useRealTimers();
});

test("a flood is shed at the limit of wrangler.toml, for whoever floods alone", async () => {
  const edge = await countingEdge(2);
  const answers = await edge.fetch(["one", "one", "one", "another"], {}, null);
  expect(answers.map(({ success }) => success)).toEqual([true, true, false, true]);
});

test("a new window begins with the clock's", async () => {
  vi.useFakeTimers({ now: 60_000 });
  const edge = await countingEdge(1);
  const env = {};
  const allowed = async () => (await edge.fetch(["one"], env, null))[0]?.success;
  expect([await allowed(), await allowed()]).toEqual([true, false]);
  vi.setSystemTime(119_999);
  expect(await allowed()).toBe(false);
  vi.setSystemTime(120_000);
  expect(await allowed()).toBe(true);
});

test("the files are a Worker's that is not the edge, and that no request reaches but by the edge", () => {
  const [edge, files, ...others] = localEdge(options(1), {
    directory: "files",
    binding: "ASSETS",
    run_worker_first: true,
    routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
  });
  expect(edge?.["assets"]).toBeUndefined();
  expect(edge?.["ratelimits"]).toBeUndefined();
  expect(edge?.["serviceBindings"]).toEqual({ STUDIO: "studio", ASSETS: files?.["name"] });
  expect(files?.["assets"]).toMatchObject({ directory: "files", run_worker_first: false });
  expect(others).toEqual([]);
});
