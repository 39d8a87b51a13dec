/** Names of custom properties in app.css. */
export type ChartColour =
  | "--chart-1"
  | "--chart-2"
  | "--chart-grid"
  | "--chart-axis"
  | "--chart-1-fill"
  | "--chart-2-fill";

/**
 * Resolves a custom property to a colour a canvas understands, in the theme on screen: custom
 * properties are stored as written (`light-dark(…)`), a real `color` is computed.
 */
export function resolveColour(host: HTMLElement, name: ChartColour): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
