import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyIn, copyOut } from "../../../scripts/backup/copy.ts";
import { connect, setup } from "../support.ts";

let client: pg.Client;
beforeEach(async () => {
  client = await connect(setup.superuserUrls["first"]!);
  client.on("error", () => undefined);
  await client.query("CREATE TEMPORARY TABLE copied (n integer CHECK (n <> 13), text text)");
});
afterEach(() => client.end().catch(() => undefined));

const count = async (): Promise<number> => Number((await client.query("SELECT count(*) AS n FROM copied")).rows[0].n);
async function* lines(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("COPY out", () => {
  it("gives each row once, whole, to a reader however slow, and holds the server back meanwhile", async () => {
    const rows = 60_000;
    const before = process.memoryUsage.rss();
    let [seen, most, next] = [0, 0, 1];
    for await (const piece of copyOut(
      client,
      `COPY (SELECT n, repeat('x', 1000) FROM generate_series(1, ${rows}) n) TO STDOUT`,
    )) {
      await new Promise((resolve) => setImmediate(resolve));
      const text = Buffer.from(piece).toString();
      expect(text.endsWith("\n")).toBe(true);
      for (const line of text.split("\n").slice(0, -1)) {
        expect(Number(line.split("\t", 1)[0])).toBe(next);
        next += 1;
        seen += 1;
      }
      most = Math.max(most, piece.length);
    }
    expect(seen).toBe(rows);
    expect(most).toBeLessThanOrEqual(256 * 1024);
    // 60 MB went through; without being held back they would all be here at some moment.
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  it("gives a row that is larger than a piece", async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of copyOut(client, "COPY (SELECT repeat('y', 3000000)) TO STDOUT")) pieces.push(piece);
    expect(Buffer.concat(pieces).length).toBe(3_000_001);
  });

  it("throws what the server says, and the connection goes on", async () => {
    const read = async (): Promise<void> => {
      for await (const _ of copyOut(client, "COPY (SELECT 1 / (5 - n) FROM generate_series(1, 9) n) TO STDOUT"));
    };
    await expect(read()).rejects.toMatchObject({ code: "22012" });
    expect(await count()).toBe(0);
  });
});

describe("COPY in", () => {
  it("takes rows from pieces that end anywhere", async () => {
    expect(await copyIn(client, "COPY copied FROM STDIN", lines("1\ta\n2", "\t\\", "N\n3\tx\\ty\n"))).toBe(3);
    expect((await client.query("SELECT text FROM copied ORDER BY n")).rows.map(({ text }) => text)).toEqual([
      "a",
      null,
      "x\ty",
    ]);
  });

  it("keeps nothing and says why when the rows end in an error", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("1\ta\n");
      throw new Error("the file is not what was written");
    }
    await expect(copyIn(client, "COPY copied FROM STDIN", broken())).rejects.toThrow(
      "the file is not what was written",
    );
    expect(await count()).toBe(0);
  });

  it("throws what the server says of a row, though more were to come", async () => {
    async function* many(): AsyncGenerator<Uint8Array> {
      for (let n = 1; n < 200_000; n += 1) yield Buffer.from(`${n}\t${"z".repeat(100)}\n`);
    }
    await expect(copyIn(client, "COPY copied FROM STDIN", many())).rejects.toMatchObject({ code: "23514" });
    expect(await count()).toBe(0);
    expect(await copyIn(client, "COPY copied FROM STDIN", lines("1\ta\n"))).toBe(1);
  });

  it("throws what the server says of the statement itself", async () => {
    await expect(copyIn(client, "COPY nothing FROM STDIN", lines("1\n"))).rejects.toMatchObject({ code: "42P01" });
  });
});
