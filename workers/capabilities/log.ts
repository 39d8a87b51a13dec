/** Says what went wrong with whoever takes payments, in words of ours: what they say may hold a part of the key. */
export function logPayments(what: string): void {
  // biome-ignore lint/suspicious/noConsole: the platform's log is the console; this is this Worker's one caller
  console.warn(JSON.stringify({ level: "warning", unit: "capabilities", event: "payments", what }));
}
