import type { LimitGroup } from "../../../api/limits.ts";

export const groupNames: Readonly<Record<LimitGroup, { readonly label: string; readonly lead: string }>> = {
  devices: { label: "Each device", lead: "All its connections together." },
  clients: { label: "Each person or program", lead: "All their tabs and connections together." },
  organisation: { label: "All together", lead: "Whoever they are." },
};

/** What a figure is called; one that a newer server has is shown by its own name. */
const figureNames: Readonly<Record<string, string>> = {
  packets_per_second: "MQTT packets a second",
  bytes_per_second: "Bytes published a second",
  connects_per_minute: "Connections a minute",
  requests_per_minute: "Requests a minute",
  upgrades_per_minute_of_an_address: "MQTT connections a minute from one address",
};

export function figureName(name: string): string {
  return figureNames[name] ?? name.replaceAll("_", " ");
}
