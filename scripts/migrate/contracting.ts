/**
 * Whether a migration takes something away that the release before still uses (ADR 18). A release only adds; what
 * contracts comes in a later one, in a file that says since which version nobody uses it any more:
 * `-- contract: since 0007`. Pure, and about text alone: what it can't read it refuses.
 */

/** What a file does that the code of the release before may not survive, in words. */
const contracting: readonly (readonly [RegExp, string])[] = [
  [
    /\bDROP\s+(?:TABLE|COLUMN|VIEW|MATERIALIZED\s+VIEW|SCHEMA|TYPE|DOMAIN|SEQUENCE|FUNCTION|PROCEDURE|ROUTINE|POLICY|ROLE|OWNED)\b/i,
    "drops what may be in use",
  ],
  // `ALTER TABLE t DROP c`: the word COLUMN may be left out.
  [
    /\bDROP\s+(?!TABLE|COLUMN|VIEW|MATERIALIZED|SCHEMA|TYPE|DOMAIN|SEQUENCE|FUNCTION|PROCEDURE|ROUTINE|POLICY|ROLE|OWNED|CONSTRAINT|INDEX|DEFAULT|NOT\s+NULL|TRIGGER|RULE|STATISTICS|EXPRESSION|IDENTITY|IF\s)\w/i,
    "drops a column",
  ],
  [/\bDROP\s+IF\s+EXISTS\b/i, "drops a column"],
  [/\bRENAME\b/i, "renames"],
  [/\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b/i, "changes a column's type"],
  [/\bSET\s+NOT\s+NULL\b/i, "has a column refuse null"],
  [/\bTRUNCATE\b(?!\s+ON\b)/i, "empties a table"],
  [/\bSET\s+SCHEMA\b/i, "moves something to another schema"],
  [/\bREVOKE\b[^;]*?\bFROM\s+(?!PUBLIC\b)/i, "takes a right away"],
  [/\bDISABLE\s+ROW\s+LEVEL\b/i, "switches row-level security off"],
];

/** A column that is added must leave the inserts of the old release as they were. */
const addedColumn =
  /\bADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?!CONSTRAINT|CHECK|PRIMARY|UNIQUE|FOREIGN|EXCLUDE|VALUE|TABLE|GENERATED)\w+\s+[^,;]*?\bNOT\s+NULL\b[^,;]*/gi;
const mark = /^-- contract: since (\d{4})$/m;

/**
 * @param number the file's own
 * @returns what is wrong with it, in words; none: it only adds, or says since when it may take away
 */
export function contractions(number: number, text: string): string[] {
  const since = mark.exec(text)?.[1];
  if (since !== undefined) {
    const version = Number(since);
    return version >= 1 && version < number ? [] : [`says "contract: since ${since}", which is no version before it`];
  }
  const code = withoutComments(text);
  const found = contracting.filter(([pattern]) => pattern.test(code)).map(([, words]) => words);
  for (const [column] of code.matchAll(addedColumn))
    if (!/\bDEFAULT\b|\bGENERATED\b/i.test(column))
      found.push("adds a column that old inserts leave out and that may not be null");
  return [...new Set(found)];
}

/** Comments talk about dropping without doing it. Strings stay: EXECUTE runs what stands in them. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/--[^\n]*/g, " ");
}
