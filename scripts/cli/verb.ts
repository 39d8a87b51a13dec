/** What every verb is: one file of verbs/, named in the table of parse.ts. */

export interface FlagSpec {
  /** How its value is called in the help; null: it takes none, and is "yes" when it was given. */
  readonly value: string | null;
  readonly help: string;
  /** Says what is wrong with a value, or null. Runs before any verb does. */
  readonly refuse?: (value: string) => string | null;
}

/** A word after the verb that is no flag. */
export interface ArgumentSpec {
  /** Its name among the flags. */
  readonly name: string;
  readonly value: string;
  readonly refuse?: (value: string) => string | null;
  /** The verb does something without it, too. */
  readonly optional?: true;
}

export type Flags = Readonly<Record<string, string | undefined>>;

export interface Verb {
  /** As typed, words parted by a space. */
  readonly name: string;
  readonly summary: string;
  /** What else its help says. */
  readonly details?: string;
  readonly flags: Readonly<Record<string, FlagSpec>>;
  /** Absent: the verb takes flags only. */
  readonly argument?: ArgumentSpec;
  /** Command lines for the help. */
  readonly examples?: readonly string[];
  /** Flags that say the same in different ways. */
  readonly exclusive?: readonly string[];
  /** @returns the exit status; @throws CliError */
  run(flags: Flags, print: (line: string) => void): Promise<number>;
}

export const stateFlag: FlagSpec = {
  value: "DIR",
  help: "state folder of a stack on this machine (default .sentinel)",
  refuse: (value) => (value.includes("\0") ? "is not a path" : null),
};
