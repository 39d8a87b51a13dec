import { AssertionError } from "node:assert";
import WebSocket, { type ClientOptions } from "ws";
import { type Answer, type AnswerOf, type AnswerType, decodeAnswer, packetEnd } from "./answers.ts";
import {
  ack,
  disconnect,
  type FilterFields,
  type PublishFields,
  pingreq,
  publish,
  subscribe,
  unsubscribe,
} from "./packets.ts";
import type { Level, Properties } from "./wire.ts";

/** A hung test must end; nothing is measured with it. */
const patienceMs = 45_000;

export interface Ended {
  /** The WebSocket's close code. */
  readonly closeCode: number;
  /** What came and nobody asked for. */
  readonly unread: readonly Answer[];
}

interface Waiter {
  readonly wake: () => void;
}

/** A device's connection that sends any bytes and reads the server's packets one by one. */
export class Client {
  readonly level: Level;
  readonly clientId: string;
  readonly #socket: WebSocket;
  readonly #answers: Answer[] = [];
  readonly #waiters = new Set<Waiter>();
  #pending: Buffer = Buffer.alloc(0);
  #fault: Error | null = null;
  #closeCode: number | null = null;
  #lastId = 0;

  private constructor(socket: WebSocket, level: Level, clientId: string) {
    this.#socket = socket;
    this.level = level;
    this.clientId = clientId;
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) this.#fault = new Error(`the server sent a text frame [MQTT-6.0.0-1]: ${data.toString()}`);
      else this.#read(data);
      this.#wakeAll();
    });
    socket.on("close", (code) => {
      this.#closeCode = code;
      this.#wakeAll();
    });
    socket.on("error", () => undefined);
  }

  /** Opens the WebSocket and no more. @throws Error with the HTTP status when the upgrade is refused */
  static open(
    url: string,
    level: Level,
    clientId: string,
    options: ClientOptions & { readonly protocols?: readonly string[] } = {},
  ): Promise<Client> {
    const { protocols, ...rest } = options;
    const socket = new WebSocket(url, [...(protocols ?? ["mqtt"])], { perMessageDeflate: false, ...rest });
    const client = new Client(socket, level, clientId);
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(client));
      socket.once("unexpected-response", (_request, response) => {
        socket.terminate();
        reject(new Error(`the upgrade was answered ${response.statusCode}`));
      });
      socket.once("error", reject);
    });
  }

  /** The subprotocol that the server chose. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  get isOpen(): boolean {
    return this.#closeCode === null;
  }

  /** The server's Close frame has come; the TCP connection may take its time to end. */
  get isClosing(): boolean {
    return this.#socket.readyState !== WebSocket.OPEN;
  }

  /** All of it in one binary frame. */
  send(...packets: readonly Uint8Array[]): void {
    this.#socket.send(Buffer.concat(packets));
  }

  /** One WebSocket message in several frames (RFC 6455 section 5.4). */
  sendFragmented(parts: readonly Uint8Array[]): void {
    parts.forEach((part, index) => {
      this.#socket.send(part, { binary: true, fin: index === parts.length - 1 });
    });
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  pingSocket(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("pong", () => resolve());
      this.#socket.ping();
    });
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** The next packet, whatever it is. */
  async next(): Promise<Answer> {
    await this.#until("a packet", () => this.#answers.length > 0);
    return this.#answers.shift() as Answer;
  }

  /** The next packet, which must be of this type. */
  async expect<T extends AnswerType>(type: T): Promise<AnswerOf<T>> {
    const answer = await this.next();
    if (answer.type !== type) throw new AssertionError({ message: `expected ${type}, got ${JSON.stringify(answer)}` });
    return answer as AnswerOf<T>;
  }

  /** The first packet of this type (with this identifier), leaving what came before it unread. */
  async find<T extends AnswerType>(type: T, id?: number): Promise<AnswerOf<T>> {
    const index = (): number =>
      this.#answers.findIndex(
        (answer) => answer.type === type && (id === undefined || ("id" in answer && answer.id === id)),
      );
    await this.#until(`${type} ${id ?? ""}`, () => index() >= 0);
    return this.#answers.splice(index(), 1)[0] as AnswerOf<T>;
  }

  /** Everything the server has to say now: what came before the answer to a PINGREQ. */
  async fence(): Promise<Answer[]> {
    this.send(pingreq());
    await this.#until("PINGRESP", () => this.#answers.some((answer) => answer.type === "pingresp"));
    const at = this.#answers.findIndex((answer) => answer.type === "pingresp");
    return this.#answers.splice(0, at + 1).slice(0, -1);
  }

  /** Waits for the server to end the connection. */
  async ended(): Promise<Ended> {
    await this.#until("the end of the connection", () => !this.isOpen, true);
    if (this.#fault !== null) throw this.#fault;
    return { closeCode: this.#closeCode ?? 0, unread: this.#answers.splice(0) };
  }

  /** Publishes and goes through the whole exchange; the code of the last answer. */
  async publish(fields: PublishFields): Promise<number> {
    const qos = fields.qos ?? 0;
    const id = fields.id ?? (qos > 0 ? this.nextId() : 0);
    this.send(publish(this.level, { ...fields, id }));
    if (qos === 0) return 0;
    if (qos === 1) return (await this.find("puback", id)).code;
    const received = await this.find("pubrec", id);
    if (received.code >= 0x80) return received.code;
    this.send(ack("pubrel", id));
    return (await this.find("pubcomp", id)).code;
  }

  /** Subscribes and returns the codes of the SUBACK. */
  async subscribe(filters: FilterFields | readonly FilterFields[], list?: Properties): Promise<readonly number[]> {
    const id = this.nextId();
    this.send(subscribe(this.level, id, [filters].flat() as FilterFields[], list));
    return (await this.find("suback", id)).codes;
  }

  async unsubscribe(...filters: readonly string[]): Promise<readonly number[]> {
    const id = this.nextId();
    this.send(unsubscribe(this.level, id, filters));
    return (await this.find("unsuback", id)).codes;
  }

  /** The next message, acknowledged to the end. */
  async message(): Promise<AnswerOf<"publish">> {
    const message = await this.find("publish");
    if (message.qos === 1) this.send(ack("puback", message.id));
    if (message.qos === 2) {
      this.send(ack("pubrec", message.id));
      await this.find("pubrel", message.id);
      this.send(ack("pubcomp", message.id));
    }
    return message;
  }

  async messages(count: number): Promise<AnswerOf<"publish">[]> {
    const list: AnswerOf<"publish">[] = [];
    while (list.length < count) list.push(await this.message());
    return list;
  }

  /** Says DISCONNECT and waits until the connection is down. */
  async disconnect(reason?: number, list?: Properties): Promise<void> {
    this.send(disconnect(reason, list));
    await this.ended();
  }

  /** Cuts the line without a word. */
  drop(): void {
    this.#socket.terminate();
  }

  #read(data: Buffer): void {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    try {
      for (let found = packetEnd(this.#pending); found !== null; found = packetEnd(this.#pending)) {
        this.#answers.push(decodeAnswer(this.level, this.#pending.subarray(0, found.end), found.bodyAt));
        this.#pending = this.#pending.subarray(found.end);
        if (this.#pending.length === 0) return;
      }
    } catch (error) {
      this.#fault = error as Error;
    }
  }

  #wakeAll(): void {
    for (const { wake } of this.#waiters) wake();
  }

  async #until(what: string, done: () => boolean, endIsFine = false): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!done()) {
      if (this.#fault !== null) throw this.#fault;
      if (!this.isOpen && !endIsFine)
        throw new Error(`closed (${this.#closeCode}) instead of ${what}; unread: ${JSON.stringify(this.#answers)}`);
      if (Date.now() >= deadline)
        throw new Error(`not within ${patienceMs} ms: ${what}; unread: ${JSON.stringify(this.#answers)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        const waiter: Waiter = {
          wake: () => {
            clearTimeout(timer);
            this.#waiters.delete(waiter);
            resolve();
          },
        };
        this.#waiters.add(waiter);
      });
    }
  }
}
