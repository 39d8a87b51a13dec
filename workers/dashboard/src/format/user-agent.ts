/** More specific names first: every Chromium also says Chrome and Safari. */
const browsers: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bChrome\/|\bCriOS\/|\bHeadlessChrome\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
  [/^node\b|\bundici\b/i, "Node.js"],
];
const systems: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMacintosh\b/, "Mac"],
  [/\bLinux\b/, "Linux"],
];

/** `Firefox on Windows`, as far as a client says what it is; it is the client's word and proves nothing. */
export function describeUserAgent(userAgent: string): string {
  const find = (names: typeof browsers): string | null =>
    names.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null;
  const browser = find(browsers);
  const system = find(systems);
  if (browser === null) return system ?? "Unknown device";
  return system === null ? browser : `${browser} on ${system}`;
}

/** True for what one carries along: another picture. */
export function isHandheld(userAgent: string): boolean {
  return /\b(iPhone|iPad|Android|Mobile)\b/.test(userAgent);
}
