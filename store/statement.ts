/** One parameterised SQL statement. Made by {@link sql} only, so that a value never becomes SQL text. */
export class Statement {
  readonly #strings: readonly string[];
  readonly #parts: readonly unknown[];

  /** Not for callers: {@link sql} is the way in. */
  constructor(strings: readonly string[], parts: readonly unknown[]) {
    this.#strings = strings;
    this.#parts = parts;
  }

  /** The SQL text with `$1 … $n`. */
  get text(): string {
    return this.#render([]);
  }

  /** The parameters, in the order of their placeholders. */
  get values(): unknown[] {
    const values: unknown[] = [];
    this.#render(values);
    return values;
  }

  /** Appends its parameters to `values` and numbers its placeholders from there. */
  #render(values: unknown[]): string {
    let text = this.#strings[0] ?? "";
    for (const [index, part] of this.#parts.entries()) {
      // Only an instance is ever inlined: a look-alike that came in as JSON stays a parameter.
      if (part instanceof Statement) text += part.#render(values);
      else if (part instanceof RawSql) text += part.text;
      else {
        if (part === undefined) throw new TypeError("a SQL parameter is undefined; write null if null is meant");
        values.push(part);
        text += `$${values.length}`;
      }
      text += this.#strings[index + 1] ?? "";
    }
    return text;
  }
}

class RawSql {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Builds a statement: every `${value}` becomes a parameter, except another statement, which is
 * inlined with its own parameters renumbered.
 * @example sql`SELECT * FROM devices WHERE id = ${id} ${onlyOnline ? sql`AND online` : sql``}`
 */
export function sql(strings: TemplateStringsArray, ...values: unknown[]): Statement {
  return new Statement(strings, values);
}

/**
 * Text that goes into SQL as it stands. For identifiers made by `tenantIdentifier` and files under
 * `migrations/`; never for anything that came from outside.
 */
export function unsafeRawSql(text: string): RawSql {
  return new RawSql(text);
}
