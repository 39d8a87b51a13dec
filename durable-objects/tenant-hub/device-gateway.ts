import { WorkerEntrypoint } from "cloudflare:workers";
import { parseId } from "../../core/ids.ts";
import { problemResponse } from "../../core/problem.ts";
import { gatewayHeaders } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";

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
    return await this.env.TENANT_HUB.getByName(org).fetch(request);
  }
}
