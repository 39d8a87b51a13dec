/** Names of tiles as C2SP tlog-tiles writes them: `<L>/<N>[.p/<W>]`, entry bundles `entries/<N>[.p/<W>]`. */
import { tileHeight, tileWidth } from "./tree.ts";

export interface TilePath {
  /** `entries`: the leaves' texts; a number: that level's hashes. */
  readonly level: number | "entries";
  readonly index: number;
  /** Hashes or entries in it, 1 to 256. */
  readonly width: number;
}

/** Levels that a log of 2^53 entries can have. */
const levelMax = Math.floor(53 / tileHeight);

export function formatTilePath({ level, index, width }: TilePath): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g) as string[];
  const path = groups.map((group, place) => (place === groups.length - 1 ? group : `x${group}`)).join("/");
  return `${level}/${path}${width === tileWidth ? "" : `.p/${width}`}`;
}

/** Null for anything but the one way in which a tile's name is written. */
export function parseTilePath(text: string): TilePath | null {
  const [, level = "", path = "", width] =
    /^(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const parsed: TilePath = {
    level: level === "entries" ? "entries" : Number(level),
    index: Number(path.replace(/[x/]/g, "")),
    width: width === undefined ? tileWidth : Number(width),
  };
  if (typeof parsed.level === "number" && parsed.level > levelMax) return null;
  if (!Number.isSafeInteger(parsed.index) || parsed.width > tileWidth) return null;
  // One spelling a tile: leading zeroes and a full tile called partial are none.
  return formatTilePath(parsed) === text ? parsed : null;
}

/** The tiles that hold a tree of this size, full and partial, of one level. */
export function tilesOfLevel(level: TilePath["level"], size: number): TilePath[] {
  const hashes = level === "entries" ? size : Math.floor(size / tileWidth ** level);
  const tiles: TilePath[] = [];
  for (let index = 0; index * tileWidth < hashes; index += 1) {
    tiles.push({ level, index, width: Math.min(tileWidth, hashes - index * tileWidth) });
  }
  return tiles;
}
