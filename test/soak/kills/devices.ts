import mqtt, { type MqttClient } from "mqtt";
import type { EnrolledDevice } from "../../e2e/support/api.ts";
import { pause } from "../part.ts";

/** Samples that one device may have unacknowledged. */
const windowMax = 4;
/** Between two samples of one device, in milliseconds. */
const sampleMs = 40;

/** A device that publishes without an end and remembers what was acknowledged. */
export class LoadedDevice {
  readonly id: string;
  /** Sample ids in the order in which they were published. */
  readonly sent: string[] = [];
  readonly acknowledged = new Set<string>();
  /**
   * Samples that MQTT.js gave back: it does so with those that wait while it sends the older ones again, when
   * the connection ends meanwhile. Nobody promised anything about them.
   */
  readonly givenBack = new Set<string>();
  readonly #client: MqttClient;
  readonly #topic: string;
  readonly #pending = new Set<Promise<void>>();
  readonly #loop: Promise<void>;
  #running = true;

  constructor(device: EnrolledDevice) {
    this.id = device.device_id;
    this.#topic = `${device.topic_prefix}telemetry`;
    this.#client = mqtt.connect(device.mqtt_url, {
      protocolVersion: 4,
      username: device.device_id,
      password: device.token,
      clientId: "soak",
      clean: false,
      reconnectPeriod: 200,
      connectTimeout: 5000,
      keepalive: 10,
    });
    // Refused connections are what this is about; the client tries again by itself.
    this.#client.on("error", () => undefined);
    this.#loop = this.#publish();
  }

  /** Samples that were neither acknowledged nor given back. */
  get waiting(): number {
    return this.sent.length - this.acknowledged.size - this.givenBack.size;
  }

  /** Publishes nothing more; ends when everything is acknowledged or `msMax` have passed. */
  async finish(msMax: number): Promise<void> {
    this.#running = false;
    await this.#loop;
    await Promise.race([Promise.all(this.#pending), pause(msMax)]);
    this.#client.end(true);
  }

  async #publish(): Promise<void> {
    const startedAtMs = Date.now();
    while (this.#running) {
      if (this.#pending.size >= windowMax) await Promise.race([...this.#pending, pause(sampleMs)]);
      else {
        const index = this.sent.length;
        const id = `soak-${String(index).padStart(7, "0")}`;
        const at = new Date(startedAtMs + index).toISOString();
        this.sent.push(id);
        const acknowledgement: Promise<void> = this.#client
          .publishAsync(this.#topic, JSON.stringify({ id, at, metrics: { index } }), { qos: 1 })
          .then(
            () => void this.acknowledged.add(id),
            () => void this.givenBack.add(id),
          )
          .finally(() => this.#pending.delete(acknowledgement));
        this.#pending.add(acknowledgement);
        await pause(sampleMs);
      }
    }
  }
}
