import { countTelemetry, type SamplePlace, telemetrySamples } from "../../../../store/tenant/exports.ts";
import { cursorAfter, type Source } from "./source.ts";

/** Samples in one step: each has up to 64 readings of some 150 bytes as lines, so below 10 MiB. */
const limit = 1_000;

/** Readings, one a row: by device, then time. */
export const telemetry: Source = {
  columns: ["device_id", "at", "received_at", "metric", "value"],
  async page({ database, spec, asOfMs, cursor }) {
    const found = await telemetrySamples(database, spec, { after: parsePlace(cursor), asOfMs, limit });
    const rows = found.flatMap(({ place, at, receivedAt, metrics }) =>
      Object.entries(metrics)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([metric, value]) => [place.device, at, receivedAt, metric, Number(value)]),
    );
    return { rows, cursor: cursorAfter(found, limit, ({ place }) => JSON.stringify(place)) };
  },
  count: (database, spec, asOfMs) => countTelemetry(database, spec, asOfMs),
};

/** A cursor of our own: the row keeps what {@link telemetry} wrote. */
function parsePlace(cursor: string | null): SamplePlace | null {
  if (cursor === null) return null;
  const { device, at, sample } = JSON.parse(cursor) as SamplePlace;
  return { device, at, sample };
}
