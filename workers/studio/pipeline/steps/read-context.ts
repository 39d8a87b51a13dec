import { parseId } from "../../../../core/ids.ts";
import { studioHeaders } from "../../../../core/rpc/studio.ts";
import { refuse } from "../../http/result.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/** Longest client address we take: an IPv6 address with a zone. */
const addressCharactersMax = 64;

/** Takes what the edge says of the request. Studio has no other caller, so what is missing here is refused. */
export async function readContext(exchange: Exchange): Promise<Verdict> {
  const { headers } = exchange.request;
  const requestId = parseId("request", headers.get(studioHeaders.requestId));
  if (requestId !== null) exchange.requestId = requestId;
  exchange.clientIp = (headers.get(studioHeaders.clientIp) ?? "").slice(0, addressCharactersMax);
  if (requestId === null || exchange.clientIp === "") return { kind: "refuse", refusal: refuse("malformed_request") };
  return proceed;
}
