/** COPY over a connection of node-postgres: rows as text, in and out, at the pace of the slower side. */
import { once } from "node:events";
import type pg from "pg";

/** The parts of the driver's connection that COPY needs; the driver calls the handlers of the query that runs. */
interface Connection {
  readonly stream: NodeJS.ReadWriteStream & { readonly writableNeedDrain: boolean; destroy(): void };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/** Rows are handed on in pieces of about so many bytes. */
const pieceBytes = 256 * 1024;
/** More than this unread, and the server waits; less than a quarter of it, and it goes on. */
const unreadBytesMax = 4 * 1024 * 1024;

/** What the driver calls while a COPY runs; each kind ignores what never comes. */
abstract class Copy {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  submit(connection: Connection): void {
    connection.query(this.#text);
  }
  handleCopyInResponse(connection: Connection): void {
    connection.sendCopyFail("this COPY takes no rows");
  }
  handleCopyData(_message: { readonly chunk: Uint8Array }, _connection: Connection): void {}
  handleCommandComplete(_message: { readonly text: string }): void {}
  abstract handleReadyForQuery(): void;
  abstract handleError(error: Error): void;
}

class CopyOut extends Copy {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #unread = 0;
  #building = new Uint8Array(pieceBytes);
  #built = 0;
  #connection: Connection | null = null;
  #paused = false;
  #outcome: "running" | "done" | Error = "running";
  #wake: () => void = () => undefined;

  override handleCopyData({ chunk }: { readonly chunk: Uint8Array }, connection: Connection): void {
    this.#connection = connection;
    if (this.#built + chunk.length > this.#building.length) this.#flush(chunk.length);
    // Copied: the driver uses its buffer again.
    this.#building.set(chunk, this.#built);
    this.#built += chunk.length;
    if (this.#unread > unreadBytesMax && !this.#paused) {
      this.#paused = true;
      connection.stream.pause();
    }
  }
  #flush(next: number): void {
    if (this.#built > 0) {
      this.#pieces.push(this.#building.slice(0, this.#built));
      this.#unread += this.#built;
      this.#wake();
    }
    if (next > this.#building.length) this.#building = new Uint8Array(next);
    this.#built = 0;
  }
  handleReadyForQuery(): void {
    this.#flush(0);
    if (this.#outcome === "running") this.#outcome = "done";
    this.#wake();
  }
  handleError(error: Error): void {
    this.#outcome = error;
    this.#wake();
  }
  async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#unread -= piece.length;
          if (this.#paused && this.#unread < unreadBytesMax / 4) {
            this.#paused = false;
            this.#connection?.stream.resume();
          }
          yield piece;
        } else if (this.#outcome === "done") return;
        else if (this.#outcome !== "running") throw this.#outcome;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      // Whoever stops early leaves the connection in the midst of a COPY: it is of no more use.
      if (this.#outcome === "running") this.#connection?.stream.destroy();
    }
  }
}

/**
 * Runs `COPY … TO STDOUT`.
 * @returns whole lines, some hundred KiB at a time; stopping early ends the connection
 * @throws the driver's error
 */
export function copyOut(client: pg.ClientBase, text: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const copy = new CopyOut(text);
  client.query(copy as unknown as pg.Submittable);
  return copy.pieces();
}

interface Settle {
  readonly resolve: (rows: number) => void;
  readonly reject: (error: Error) => void;
}

class CopyIn extends Copy {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #settle: Settle;
  /** What the source threw: it, and not the server's answer to it, is why nothing was copied. */
  #failed: Error | null = null;
  #over = false;
  #rows = 0;

  constructor(text: string, source: AsyncIterable<Uint8Array>, settle: Settle) {
    super(text);
    this.#source = source;
    this.#settle = settle;
  }
  override handleCopyInResponse(connection: Connection): void {
    void this.#send(connection);
  }
  async #send(connection: Connection): Promise<void> {
    try {
      for await (const piece of this.#source) {
        if (this.#over) return;
        connection.sendCopyFromChunk(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
        if (connection.stream.writableNeedDrain) await once(connection.stream, "drain");
      }
      if (!this.#over) connection.endCopyFrom();
    } catch (error) {
      this.#failed = error as Error;
      if (this.#over) this.#settle.reject(this.#failed);
      else connection.sendCopyFail("the rows have no end");
    }
  }
  override handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? Number.NaN);
  }
  handleReadyForQuery(): void {
    this.#over = true;
    if (this.#failed === null) this.#settle.resolve(this.#rows);
    else this.#settle.reject(this.#failed);
  }
  handleError(error: Error): void {
    this.#over = true;
    this.#settle.reject(this.#failed ?? error);
  }
}

/**
 * Runs `COPY … FROM STDIN`.
 * @returns how many rows the server took
 * @throws what the source threw, else the driver's error
 */
export function copyIn(client: pg.ClientBase, text: string, source: AsyncIterable<Uint8Array>): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(text, source, { resolve, reject }) as unknown as pg.Submittable);
  });
}
