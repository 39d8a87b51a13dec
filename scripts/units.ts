import { fileURLToPath } from "node:url";

/** The repository's root. */
export const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

/**
 * The seven deploy units in the order of deployment: a unit comes after every unit that it binds.
 * `config` is relative to the repository's root.
 */
export const units = [
  { name: "sentinel-data", config: "workers/data/wrangler.toml" },
  { name: "sentinel-durable-objects", config: "durable-objects/wrangler.toml" },
  { name: "sentinel-pdf-text", config: "workers/pdf-text/wrangler.toml" },
  { name: "sentinel-capabilities", config: "workers/capabilities/wrangler.toml" },
  { name: "sentinel-passwords", config: "workers/passwords/wrangler.toml" },
  { name: "sentinel-studio", config: "workers/studio/wrangler.toml" },
  { name: "sentinel-edge", config: "wrangler.toml" },
] as const;

export type UnitName = (typeof units)[number]["name"];
