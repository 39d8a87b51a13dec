import { describe, expect, it, vi } from "vitest";
import { exportLog } from "../../../workers/dashboard/src/pages/audit/leaving/export-log.ts";

const never = new AbortController().signal;
type Read = NonNullable<Parameters<typeof exportLog>[4]>;
/** Three parts; `fails` says which call does not come. */
function parts(fails: (call: number) => boolean = () => false) {
  const asked: (string | null)[] = [];
  const read: Read = async (_org, _format, cursor) => {
    asked.push(cursor);
    if (fails(asked.length)) throw new Error("no answer");
    const part = cursor === null ? 0 : Number(cursor);
    return { text: `${part};`, done: part * 10, total: 20, next_cursor: part === 2 ? null : String(part + 1) };
  };
  return { asked, read };
}

describe("an export", () => {
  it("is put together from its parts, and tells how far it is", async () => {
    const { read } = parts();
    const told: number[] = [];
    const { parts: texts, total } = await exportLog("demo", "csv", never, (done) => told.push(done), read);
    expect([texts.join(""), total, told]).toEqual(["0;1;2;", 20, [0, 10, 20]]);
  });

  it("asks again for a part that did not come, and never for the first: each is on record", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const { asked, read } = parts((call) => call === 2 || call === 3);
      const work = exportLog("demo", "csv", never, () => undefined, read);
      await vi.runAllTimersAsync();
      expect((await work).parts.join("")).toBe("0;1;2;");
      expect(asked).toEqual([null, "1", "1", "1", "2"]);
    } finally {
      vi.useRealTimers();
    }
    const first = parts(() => true);
    await expect(exportLog("demo", "csv", never, () => undefined, first.read)).rejects.toThrow("no answer");
    expect(first.asked).toEqual([null]);
  });

  it("ends when it is cancelled", async () => {
    const controller = new AbortController();
    const { asked, read } = parts();
    const work = exportLog("demo", "csv", controller.signal, () => controller.abort(), read);
    await expect(work).rejects.toThrow();
    expect(asked).toEqual([null]);
  });
});
