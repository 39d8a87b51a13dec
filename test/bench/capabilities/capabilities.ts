/** What capabilities cost: a file an idea, each beside a bare baseline of its own. */
import type { Row } from "../report.ts";
import { benchDocuments } from "./documents.ts";
import { benchExports } from "./exports.ts";
import { benchLlm } from "./llm.ts";
import { benchSheet } from "./sheet.ts";

const ideas = [benchDocuments, benchExports, benchSheet, benchLlm] as const;

export async function benchCapabilities(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const bench of ideas) rows.push(...(await bench(rounds)));
  return rows;
}
