import { routeHere } from "./deliver.ts";
import type { Effect } from "./events.ts";
import { countedDown, isExpired } from "./message.ts";
import { retain } from "./retained.ts";
import type { Message } from "./session.ts";
import type { BrokerState } from "./state.ts";

/**
 * A message that another object of the tenant took and judged. It goes to sessions here and to no third
 * object. At a device's home it is kept as retained if it is to be: the device's own namespace is there.
 */
export function takeRelayed(
  state: BrokerState,
  message: Message,
  reach: "users" | "devices",
  now: number,
  effects: Effect[],
): void {
  const found = state.routes.get(message.topic);
  if (found === null || isExpired(message, now)) return;
  const current = { ...message, properties: countedDown(message, now) };
  if (reach === "devices") {
    const device = found.parsed?.device;
    // Whether the device exists is known here alone.
    if (device === undefined || !state.devices.has(device)) return;
    if (current.retain) retain(state, device, current, effects);
  }
  routeHere(state, found, current, null, now, effects);
}
