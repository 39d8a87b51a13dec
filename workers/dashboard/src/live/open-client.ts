import type { MqttClient } from "mqtt";

/**
 * A hidden tab's timers run once a minute; the broker waits 1.5 × this, so such a tab stays connected.
 * A browser can't send WebSocket pings, so it asks for no more.
 */
const keepAliveSeconds = 60;
/** A broker that has not answered CONNECT by then is not going to. */
const connectTimeoutMs = 10_000;

/**
 * Opens MQTT 5.0 over WebSocket; the session cookie at the upgrade is the credential, so that no
 * secret passes through this page. The library is loaded on first use.
 */
export async function openClient(url: string): Promise<MqttClient> {
  const { default: mqtt } = await import("mqtt");
  return mqtt.connect(url, {
    protocolVersion: 5,
    clean: true,
    // A page that is gone has nothing to come back to: its session ends with the connection.
    properties: { sessionExpiryInterval: 0 },
    clientId: `web-${crypto.randomUUID()}`,
    keepalive: keepAliveSeconds,
    connectTimeout: connectTimeoutMs,
    // The connection does that itself, with jitter.
    reconnectPeriod: 0,
    resubscribe: false,
    // The library's default builds a Worker from a blob, which the content policy refuses.
    timerVariant: "native",
    forceNativeWebSocket: true,
  });
}

/** The organisation's MQTT address on this very origin. */
export function mqttUrl(location: { readonly protocol: string; readonly host: string }, org: string): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/mqtt/${encodeURIComponent(org)}`;
}
