import { WorkerEntrypoint } from "cloudflare:workers";
import { parseId } from "../../core/ids.ts";
import { problemResponse } from "../../core/problem.ts";
import { gatewayHeaders } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { relaySocket } from "./shards/gateway-relay.ts";
import { routeConnect, routeUpgrade } from "./shards/gateway-route.ts";
import { directoryName } from "./shards/home.ts";

const devicePrefix = "?device=";

/** Of the query the edge hands on a device that it has parsed, or nothing. */
function deviceHint(url: string): string | null {
  const at = url.indexOf(devicePrefix);
  return at < 0 ? null : url.slice(at + devicePrefix.length);
}

/** The edge's way to a tenant's hub: a WebSocket upgrade and nothing else. */
export class DeviceGateway extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const requestId = request.headers.get(gatewayHeaders.requestId) ?? "";
    if (request.method !== "GET" || request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
      return problemResponse("upgrade_required", requestId, { headers: { Upgrade: "websocket" } });
    }
    const offered = (request.headers.get("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim());
    // The client must offer it and the server choose it [MQTT-6.0.0-3], [MQTT-6.0.0-4].
    if (!offered.includes("mqtt"))
      return problemResponse("malformed_request", requestId, { detail: "Offer the WebSocket subprotocol mqtt." });
    const org = parseId("org", request.headers.get(gatewayHeaders.org));
    if (org === null) return problemResponse("malformed_request", requestId);
    const upgrade = {
      org,
      hint: deviceHint(request.url),
      authorization: request.headers.get(gatewayHeaders.authorization),
    };
    const name = routeUpgrade(this.env, upgrade);
    if (name !== null) return await this.env.TENANT_HUB.getByName(name).fetch(request);
    const client = relaySocket(async (connect) => {
      const home = connect === null ? directoryName(org) : await routeConnect(this.env, upgrade, connect);
      const headers = new Headers(request.headers);
      // Until here it was the client who took his time: that says nothing of the hub.
      headers.set(gatewayHeaders.arrived, String(Date.now()));
      const { webSocket } = await this.env.TENANT_HUB.getByName(home).fetch(request.url, { headers });
      if (webSocket === null) throw new Error("the hub took no socket");
      return webSocket;
    });
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "mqtt" } });
  }
}
