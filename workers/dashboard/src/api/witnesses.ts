import * as z from "zod/mini";
import { call, callVoid, path } from "./client.ts";

const witnessSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** `name+id+key`. */
  key: z.string(),
  created_by: z.string(),
  created_at: z.string(),
  cosigned: z.nullable(z.object({ size: z.number(), at: z.string() })),
});
export type Witness = z.infer<typeof witnessSchema>;
/** The token itself is in the answer to its making only. */
const newWitnessSchema = z.object({ id: z.string(), token: z.string() });

export const witnessesKey = (org: string) => ["audit-witnesses", org] as const;

export async function listWitnesses(org: string, signal: AbortSignal): Promise<Witness[]> {
  return (await call(path("orgs", org, "audit", "witnesses"), z.object({ items: z.array(witnessSchema) }), { signal }))
    .items;
}

/** @returns the witness's token, this once */
export async function addWitness(
  org: string,
  input: { name: string; key: string },
  idempotencyKey: string,
): Promise<string> {
  const options = { method: "POST", body: input, idempotencyKey } as const;
  return (await call(path("orgs", org, "audit", "witnesses"), newWitnessSchema, options)).token;
}

export function removeWitness(org: string, witness: string): Promise<void> {
  return callVoid(path("orgs", org, "audit", "witnesses", witness), { method: "DELETE" });
}
