import { expect, it } from "vitest";
import { soakAudit } from "../soak/audit/audit.ts";

/** An intent whose request died waits a minute for the reconciler; the drain backs off by up to five. */
const msMax = 15 * 60_000;

/** The short form of `npm run soak -- --only audit`. */
it(
  "has every answer in the log once, in order and as it was given, and every outcome true, whatever is killed",
  async () => {
    const silent = { say: () => undefined, stop: () => undefined };
    const options = { minutes: 1, rounds: 3, seed: Date.now() % 1_000_000_000, hubShards: 1, tenants: 20 };
    const figures = await soakAudit(options, silent);
    expect(figures, `seed ${options.seed}`).toContain("3 rounds");
  },
  msMax,
);
