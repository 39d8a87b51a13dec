import type { Row } from "../report.ts";
import { unitSize } from "../size.ts";
import { benchAttacks } from "./attacks.ts";
import { benchGates } from "./gates.ts";

/** The door: what each gate adds, what it holds off, and how large it is. */
export async function benchEdge(rounds: number): Promise<Row[]> {
  return [...(await benchGates(rounds)), ...(await benchAttacks(rounds)), await unitSize("sentinel-edge")];
}
