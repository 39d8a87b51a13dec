/** What stands in the file. */
export function fileText(codes: readonly string[], email: string, made: Date): string {
  const head = `Sentinel recovery codes of ${email}\nMade on ${made.toISOString().slice(0, 10)}. Each works once.\n\n`;
  return `${head}${codes.join("\n")}\n`;
}
