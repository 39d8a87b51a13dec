/** Longest event of a provider, in characters: a chunk of an answer is a few hundred. */
export const eventCharactersMax = 256 * 1024;

/**
 * Reads the data of server-sent events (WHATWG HTML section 9.2.6) from bytes cut anywhere. Names, ids and comments are
 * passed over: the providers' streams have none that matter.
 */
export class EventReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  /** A line that has not ended. Shorter than the longest event. */
  #line = "";
  /** Data lines of an event that has not ended. */
  #data: string[] = [];
  #characters = 0;

  /**
   * @returns the events that are whole by now
   * @throws RangeError for an event that is too long; TypeError for bytes that are no UTF-8
   */
  push(bytes: Uint8Array): string[] {
    const events: string[] = [];
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#line = lines.pop() ?? "";
    for (const ended of lines) {
      const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended;
      if (line === "") {
        if (this.#data.length > 0) events.push(this.#data.join("\n"));
        this.#data = [];
        this.#characters = 0;
      } else if (line.startsWith("data:")) {
        const data = line.slice(line[5] === " " ? 6 : 5);
        this.#data.push(data);
        this.#characters += data.length;
      }
    }
    if (this.#line.length + this.#characters > eventCharactersMax) throw new RangeError("an event is too long");
    return events;
  }
}
