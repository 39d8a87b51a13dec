import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { readUnitConfig } from "../../../scripts/stack/unit-config.ts";
import { repositoryRoot, units } from "../../../scripts/units.ts";

it.each(units)(
  "$name is configured as wrangler reads its wrangler.toml, from what is kept as well",
  async ({ config }) => {
    const { workerOptions, main } = unstable_getMiniflareWorkerOptions(join(repositoryRoot, config)) as unknown as {
      workerOptions: object;
      main: string;
    };
    // What is undefined is not there; both are the same to Miniflare.
    const expected = { options: JSON.parse(JSON.stringify(workerOptions)), main };
    for (let read = 0; read < 2; read += 1) expect(await readUnitConfig(config)).toEqual(expected);
  },
);
