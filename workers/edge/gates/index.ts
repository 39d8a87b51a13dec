import { credentialGate } from "./credential.ts";
import { floodGate } from "./flood.ts";
import { type AnyGate, inOrder } from "./gate.ts";
import { geoGate } from "./geo.ts";
import { judgedByPerson } from "./geo-person.ts";
import { limitGate } from "./limit.ts";
import { sizeGate } from "./size.ts";
import { standingGate } from "./standing.ts";
import { tlsGate } from "./tls.ts";
import { wafGate } from "./waf/index.ts";

/** Every gate, in order. Cheap and blind ones first; the exact count, which costs an object, last. */
export const gates: readonly AnyGate[] = inOrder([
  tlsGate,
  sizeGate,
  geoGate,
  wafGate,
  floodGate,
  standingGate,
  judgedByPerson(credentialGate),
  limitGate,
]);
