/**
 * A copy of the hub's tables as of one moment, read page by page while the hub goes on. An object runs one turn at a
 * time, so what one turn copies is of one moment; pages that were read turn by turn from living tables would not be.
 */
import { hubPageBytes } from "../../core/rpc/hub-backup.ts";

/** What one turn copies: a second or two in which the hub does nothing else, and room for some 200,000 messages. */
const exportBytesMax = 64 * 1024 * 1024;

/**
 * What was in the journal is in its tables by now, halves of packets are nobody's promise, API keys' hashes are not an
 * organisation's to keep, and the copy itself is no content.
 */
const notContent = ["journal", "partials", "api_keys", "export_pages"];

export class HubExport {
  readonly #sql: SqlStorage;
  readonly #transaction: (change: () => void) => void;

  constructor(sql: SqlStorage, transaction: (change: () => void) => void) {
    this.#sql = sql;
    this.#transaction = transaction;
  }

  /**
   * Copies everything, in this turn; an earlier copy is gone. The caller has emptied the journal into the tables.
   * @param which names the copy
   * @returns how many pages it has
   * @throws when there is more than a turn may copy
   */
  begin(which: string): number {
    let pages = 0;
    this.#transaction(() => {
      this.#sql.exec(
        "CREATE TABLE IF NOT EXISTS export_pages (which TEXT NOT NULL, page INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (which, page))",
      );
      this.#sql.exec("DELETE FROM export_pages");
      for (const bytes of paged(this.#lines())) {
        if ((pages + 1) * hubPageBytes > exportBytesMax) throw new Error("the hub holds more than one export takes");
        this.#sql.exec("INSERT INTO export_pages (which, page, bytes) VALUES (?, ?, ?)", which, pages, bytes);
        pages += 1;
      }
    });
    return pages;
  }

  /** One page, or null when the copy is another one's. */
  page(which: string, page: number): Uint8Array<ArrayBuffer> | null {
    if (!this.#isThere()) return null;
    const [row] = this.#sql.exec("SELECT bytes FROM export_pages WHERE which = ? AND page = ?", which, page).toArray();
    return row === undefined ? null : new Uint8Array(row["bytes"] as ArrayBuffer);
  }

  end(which: string): void {
    if (this.#isThere()) this.#sql.exec("DELETE FROM export_pages WHERE which = ?", which);
  }

  #isThere(): boolean {
    return this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'export_pages'").toArray().length > 0;
  }

  *#lines(): Generator<Uint8Array> {
    const utf8 = new TextEncoder();
    const tables = this.#sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name")
      .toArray()
      // The platform's own.
      .filter(({ name }) => !String(name).startsWith("_cf_") && !notContent.includes(String(name)));
    for (const { name } of tables) {
      for (const row of this.#sql.exec(`SELECT * FROM "${String(name)}"`))
        yield utf8.encode(`${JSON.stringify([name, textual(row)])}\n`);
    }
  }
}

function textual(row: Record<string, SqlStorageValue>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof ArrayBuffer ? { base64: Buffer.from(value).toString("base64") } : value,
    ]),
  );
}

/** The same bytes in pages, all but the last full: a row may be longer than a stored value. */
function* paged(lines: Iterable<Uint8Array>): Generator<ArrayBuffer> {
  let page = new Uint8Array(hubPageBytes);
  let filled = 0;
  for (const line of lines) {
    for (let at = 0; at < line.length; ) {
      const part = line.subarray(at, at + hubPageBytes - filled);
      page.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < hubPageBytes) continue;
      yield page.buffer;
      page = new Uint8Array(hubPageBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield page.slice(0, filled).buffer;
}
