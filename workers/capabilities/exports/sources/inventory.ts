import { countInventory, inventoryRows } from "../../../../store/tenant/exports.ts";
import { cursorAfter, type Source } from "./source.ts";

/** Devices in one step: below a MiB. */
const limit = 5_000;

/** Devices that whoever asked sees, oldest first. */
export const inventory: Source = {
  columns: ["device_id", "name", "platform", "enrolled_at", "last_seen_at", "online", "groups"],
  async page({ database, asOfMs, cursor }) {
    const found = await inventoryRows(database, { after: cursor, asOfMs, limit });
    const rows = found.map((device) => [
      ...[device.id, device.name, device.platform, device.enrolledAt],
      ...[device.lastSeenAt, device.online, device.groups],
    ]);
    return { rows, cursor: cursorAfter(found, limit, ({ id }) => id) };
  },
  count: (database, _spec, asOfMs) => countInventory(database, asOfMs),
};
