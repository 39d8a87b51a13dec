import { parseId } from "../../../core/ids.ts";
import { problemResponse } from "../../../core/problem.ts";
import { gatewayHeaders } from "../../../core/rpc/durable-objects.ts";
import { writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import type { Admitted } from "../gates/gate.ts";
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

  const headers = new Headers({ Upgrade: "websocket" });
  const protocol = request.headers.get("Sec-WebSocket-Protocol");
  if (protocol !== null) headers.set("Sec-WebSocket-Protocol", protocol);
  headers.set(gatewayHeaders.org, org.org);
  headers.set(gatewayHeaders.requestId, requestId);
  headers.set(gatewayHeaders.arrived, String(admitted.nowMs));
  headers.set(gatewayHeaders.geo, writeGeoSeen({ ...admitted.geo, ip: client.ip }));
  const token = bearerFor(credential);
  if (token !== null) headers.set(gatewayHeaders.authorization, `Bearer ${token}`);

  // The id, whatever the client wrote: the hub sees one name for one organisation. Of the query only the
  // device that the URL was given to goes on; it tells where a split organisation keeps it, and proves nothing.
  const device = parseId("device", new URLSearchParams(target.rawQuery ?? "").get("device"));
  const query = device === null ? "" : `?device=${device}`;
  const answer = await env.DEVICE_GATEWAY.fetch(`${target.origin}/mqtt/${org.org}${query}`, { headers });
  if (answer.status !== 101 || answer.webSocket === null)
    return new Response(answer.body, { status: answer.status, headers: relayedHeaders(answer.headers) });
  const accepted = new Headers();
  const chosen = answer.headers.get("Sec-WebSocket-Protocol");
  if (chosen !== null) accepted.set("Sec-WebSocket-Protocol", chosen);
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
