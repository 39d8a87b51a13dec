/** A map that forgets its oldest entry when it is full: what strangers can fill must not grow. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    // Insertion order is age: written again, an entry is the newest.
    this.#entries.delete(key);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size >= this.#max && oldest.done !== true) this.#entries.delete(oldest.value);
    this.#entries.set(key, value);
  }
}
