import { useSyncExternalStore } from "react";

export const themeChoices = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof themeChoices)[number];
export type ResolvedTheme = "light" | "dark";

const storageKey = "sentinel.theme";
const systemDark = (): MediaQueryList => window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

/** What the person chose; `system` when nothing was, or when storage is closed to us. */
export function readThemeChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(storageKey);
    return themeChoices.find((choice) => choice === stored) ?? "system";
  } catch {
    return "system";
  }
}

function resolve(choice: ThemeChoice): ResolvedTheme {
  if (choice !== "system") return choice;
  return systemDark().matches ? "dark" : "light";
}

/** Puts the choice on the document; called before the first render, so that nothing flashes. */
export function applyTheme(): void {
  document.documentElement.dataset["mode"] = resolve(readThemeChoice());
  for (const listener of listeners) listener();
}

/** Keeps the choice for the next visit (best effort) and applies it. */
export function chooseTheme(choice: ThemeChoice): void {
  try {
    localStorage.setItem(storageKey, choice);
  } catch {
    // Storage is closed to us: then the choice lasts until the page is reloaded.
  }
  document.documentElement.dataset["mode"] = resolve(choice);
  for (const listener of listeners) listener();
}

/** Follows the system while the choice is `system`. */
export function watchSystemTheme(): void {
  systemDark().addEventListener("change", applyTheme);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, readThemeChoice);
}

/** The theme on screen; canvases must be painted anew when it changes. */
export function useResolvedTheme(): ResolvedTheme {
  return useSyncExternalStore(subscribe, () =>
    document.documentElement.dataset["mode"] === "dark" ? "dark" : "light",
  );
}
