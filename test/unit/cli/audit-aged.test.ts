/** What the verifier makes of a database that has let go of entries whose seven years are over. */
import { describe, expect, it } from "vitest";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { examine, isGood, describe as told } from "../../../scripts/cli/audit/verify-shown.ts";
import { newLogKey, SignedLog } from "../../support/signed-log.ts";

const nowMs = Date.UTC(2033, 2, 1);
/** Two of a month whose years are just over, two of the month behind it, one of today. */
const times = [
  "2026-01-01T00:00:00.000Z",
  "2026-02-28T23:59:59.999Z",
  "2026-03-01T00:00:00.000Z",
  "2026-03-31T00:00:00.000Z",
];

async function log(): Promise<{ readonly signed: SignedLog; readonly kept: readonly KeptLeaf[] }> {
  const signed = new SignedLog(await newLogKey("sentinel/sentinel.test/platform-0"), 0);
  for (const [index, at] of [...times, "2033-02-28T23:00:00.000Z"].entries())
    signed.leaves.push(JSON.stringify({ at, seq: index + 1 }));
  return { signed, kept: signed.leaves.map((leafJson, index) => ({ seq: index + 1, leafJson })) };
}

async function* each(leaves: readonly KeptLeaf[]): AsyncGenerator<KeptLeaf> {
  yield* leaves;
}

async function verified(keeps: (kept: readonly KeptLeaf[]) => readonly KeptLeaf[]) {
  const { signed, kept } = await log();
  const shown = {
    ...{ keys: [signed.key.text], checkpoint: await signed.checkpoint(), cosigned: [] },
    ...{ hashes: new Uint8Array(Buffer.concat(signed.hashes)), leaves: each(kept) },
  };
  return await examine(shown, null, null, () => each(keeps(kept)), nowMs);
}

describe("a database that let entries go", () => {
  it.each([0, 1, 2])("is as it was signed when the first %i, whose years are over, are gone", async (gone) => {
    const examination = await verified((kept) => kept.slice(gone));
    expect([isGood(examination), examination.copyLeft]).toEqual([true, gone]);
    const says = told(examination, null).join("\n");
    expect(says.includes(`keeps entries from ${gone + 1} on`)).toBe(gone > 0);
  });

  it("lacks an entry when one is gone whose month is not seven years over", async () => {
    const examination = await verified((kept) => kept.slice(3));
    expect(examination.copy).toMatchObject({ seq: 1, tampering: "dropped" });
  });

  it("lacks one that is gone in the midst, however old", async () => {
    const examination = await verified((kept) => [...kept.slice(0, 1), ...kept.slice(2)]);
    expect(examination.copy).toMatchObject({ seq: 2, tampering: "dropped" });
  });

  it("is no excuse for what was changed behind them, nor for nothing being kept at all", async () => {
    const changed = (kept: readonly KeptLeaf[]) =>
      kept.slice(2).map((leaf) => (leaf.seq === 4 ? { ...leaf, leafJson: leaf.leafJson.replace("4}", "9}") } : leaf));
    expect((await verified(changed)).copy).toMatchObject({ seq: 4, tampering: "changed" });
    expect((await verified(() => [])).copy).toMatchObject({ seq: 3, tampering: "dropped" });
  });
});
