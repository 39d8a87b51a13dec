/** What tools can judge of a page's accessibility: axe's rules of WCAG 2.1 A and AA, and where the keyboard comes. */
import axe from "axe-core";
import type { Page } from "playwright-core";

const levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/** A rule that a page breaks, and where: `rule (place; place)`. Empty when it breaks none. */
export async function violations(page: Page): Promise<string[]> {
  await still(page);
  // Evaluated by the debugger, whom the page's own policy of scripts does not bind; once for a page, as it is half a megabyte.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const found = await page.evaluate(async (values) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => ({
      id,
      at: nodes.map(
        ({ target, failureSummary = "" }) => `${target.join(" ")}: ${failureSummary.split("\n")[1]?.trim()}`,
      ),
    }));
  }, levels);
  return found.map(({ id, at }) => `${id} (${at.slice(0, 4).join("; ")})`);
}

/** Waits for what moves: a colour half-way between two is no colour of the page's. */
async function still(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const ending = () =>
      document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    // A theme that was just changed begins to move with the next frame.
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await frame();
      if (ending().length > 0) quiet = -1;
      await Promise.allSettled(ending().map(({ finished }) => finished));
    }
  });
}

export interface TabWalk {
  /** Controls that Tab never reached, or that showed nothing when it did. */
  readonly unreached: string[];
  readonly unseen: string[];
  readonly reached: number;
}

/** Longer walks go in a circle that leaves something out. */
const stepsMax = 400;

/** Presses Tab from the top of a page until it comes round, and says what it missed. */
export async function walkByTab(page: Page): Promise<TabWalk> {
  await still(page);
  await page.evaluate(prepare);
  const seen = new Set<number>();
  const unseen: string[] = [];
  let last: number | null = null;
  for (let step = 0; step < stepsMax; step += 1) {
    await page.keyboard.press("Tab");
    const { at, unseen: name } = await page.evaluate(() => (globalThis as unknown as Walked).look());
    if (name !== null) unseen.push(name);
    // Out of the page, into the browser's own bar; or once around. A date is a field for each of its parts.
    if (at === null ? seen.size > 0 : at !== last && seen.has(at)) break;
    if (at !== null) seen.add(at);
    last = at;
  }
  const unreached = await page.evaluate(() => (globalThis as unknown as Walked).left());
  return { unreached, unseen, reached: seen.size };
}

interface Walked {
  /** Which of the page's elements has the focus; and its name, if it looks as it does without. */
  look(): { at: number | null; unseen: string | null };
  left(): string[];
}

/** Runs in the page. */
function prepare(): void {
  (document.activeElement as HTMLElement | null)?.blur();
  // What fades would look, at the moment of either look, as it did before.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const selector = 'a[href], button, input, select, textarea, summary, [tabindex]:not([tabindex="-1"])';
  const numbers = new Map<Element, number>();
  const nameOf = (element: Element): string => {
    const own = element.getAttribute("aria-label") ?? element.textContent?.trim().slice(0, 40) ?? "";
    return `${element.tagName.toLowerCase()} “${own || element.outerHTML.slice(0, 120)}”`;
  };
  /** What the element and what it lies in look like: a ring may be around its field. */
  const looks = (element: Element): string => {
    const said: string[] = [];
    for (
      let each: Element | null = element, depth = 0;
      each !== null && depth < 4;
      each = each.parentElement, depth += 1
    )
      for (const part of [null, "::before", "::after"]) {
        const { outline, boxShadow, borderColor, backgroundColor, textDecoration } = getComputedStyle(each, part);
        said.push(outline, boxShadow, borderColor, backgroundColor, textDecoration);
      }
    // What lies over an input that is there for the keyboard alone.
    for (const beside of [element.nextElementSibling, element.previousElementSibling])
      if (beside !== null) said.push(getComputedStyle(beside).outline, getComputedStyle(beside).boxShadow);
    return said.join();
  };
  const isThere = (element: Element): boolean =>
    (element as HTMLElement).tabIndex >= 0 &&
    !element.matches(
      ":disabled, [inert] *, [aria-hidden=true] *, [aria-hidden=true], input[type=hidden], input[type=file]",
    ) &&
    element.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  /** Of a group of choices Tab reaches one, and arrows the others. */
  const isOneOfMany = (element: Element): boolean =>
    element instanceof HTMLInputElement && element.type === "radio" && !element.checked;
  /** How each looks while nothing has the focus. What comes later is only counted. */
  const without = new Map([...document.querySelectorAll(selector)].map((element) => [element, looks(element)]));
  const walked: Walked = {
    look() {
      const at = document.activeElement;
      if (at === null || at === document.body || at === document.documentElement) return { at: null, unseen: null };
      // Of a date's parts the browser itself marks the one where the focus is: the field is looked at as it is entered.
      const isNew = !numbers.has(at);
      if (isNew) numbers.set(at, numbers.size);
      return { at: numbers.get(at) ?? null, unseen: isNew && without.get(at) === looks(at) ? nameOf(at) : null };
    },
    left: () =>
      [...document.querySelectorAll(selector)]
        .filter((element) => isThere(element) && !isOneOfMany(element) && !numbers.has(element))
        .map(nameOf),
  };
  Object.assign(globalThis, walked);
}
