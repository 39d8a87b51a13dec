/** Digits of a code as people paste it: apps show `123 456`. */
export function cleanCode(text: string): string {
  return text.replace(/[\s-]/g, "");
}
