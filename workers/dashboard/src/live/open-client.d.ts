import type { MqttClient } from "mqtt";
/**
 * Opens MQTT 3.1.1 over WebSocket; the session cookie at the upgrade is the credential, so that no
 * secret passes through this page. The library is loaded on first use.
 */
export declare function openClient(url: string): Promise<MqttClient>;
/** The organisation's MQTT address on this very origin. */
export declare function mqttUrl(location: {
    readonly protocol: string;
    readonly host: string;
}, org: string): string;
