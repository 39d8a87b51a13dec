import { parseId } from "../../../core/ids.ts";
import { problemResponse } from "../../../core/problem.ts";
import { gatewayHeaders } from "../../../core/rpc/durable-objects.ts";
import { writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import type { Admitted } from "../gates/gate.ts";
import { rateFields } from "../rate-fields.ts";
import { strictHeaders } from "../response-headers.ts";
import type { Credential } from "../verify-credential.ts";
import type { KnownRoute } from "./known-route.ts";
import { relayedHeaders } from "./relayed-headers.ts";

/** Hands a WebSocket upgrade to the organisation's hub. The socket then bypasses the edge's code. */
export async function forwardToHub(admitted: Admitted, { org }: KnownRoute): Promise<Response> {
  const { request, env, target, requestId, credential, client } = admitted;
  if (org === null) throw new Error("the hub's route names no organisation");
  // RFC 9110 §15.5.22: say which protocol is wanted.
  if (request.method !== "GET" || request.headers.get("Upgrade")?.toLowerCase() !== "websocket")
    return problemResponse("upgrade_required", requestId, { headers: { Upgrade: "websocket" } });

  const headers: Record<string, string> = {
    Upgrade: "websocket",
    [gatewayHeaders.org]: org.org,
    [gatewayHeaders.requestId]: requestId,
    [gatewayHeaders.arrived]: String(admitted.nowMs),
    [gatewayHeaders.geo]: writeGeoSeen({ ...admitted.geo, ip: client.ip }),
  };
  const protocol = request.headers.get("Sec-WebSocket-Protocol");
  if (protocol !== null) headers["Sec-WebSocket-Protocol"] = protocol;
  const token = bearerFor(credential);
  if (token !== null) headers[gatewayHeaders.authorization] = `Bearer ${token}`;

  // The id, whatever the client wrote: the hub sees one name for one organisation. Of the query only the
  // device that the URL was given to goes on; it tells where a split organisation keeps it, and proves nothing.
  const { rawQuery } = target;
  const device = rawQuery === null ? null : parseId("device", new URLSearchParams(rawQuery).get("device"));
  const query = device === null ? "" : `?device=${device}`;
  const answer = await env.DEVICE_GATEWAY.fetch(`${target.origin}/mqtt/${org.org}${query}`, { headers });
  if (answer.status !== 101 || answer.webSocket === null)
    return new Response(answer.body, { status: answer.status, headers: relayedHeaders(answer.headers) });
  const accepted = { ...strictHeaders(requestId, null), ...rateFields(admitted.rate) };
  const chosen = answer.headers.get("Sec-WebSocket-Protocol");
  if (chosen !== null) accepted["Sec-WebSocket-Protocol"] = chosen;
  return new Response(null, { status: 101, webSocket: answer.webSocket, headers: accepted });
}

function bearerFor(credential: Credential): string | null {
  switch (credential.kind) {
    case "user":
      return credential.accessToken;
    case "device":
      return credential.token;
    case "operator":
    case "none":
      return null;
  }
}
