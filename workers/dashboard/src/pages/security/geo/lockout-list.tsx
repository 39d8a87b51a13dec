import type { Lockout } from "../../../api/geo.ts";
import { TextLink } from "../../../components/text-link.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";
import { countryName } from "../../../format/countries.ts";
import { surfaceNames } from "./surface-names.ts";

/** Who of the last seven days would be shut out: by country first, then by name. */
export function LockoutList({ lockout, org }: { readonly lockout: Lockout; readonly org: string }) {
  const { caller, sessions, devices } = lockout;
  const unnamed = lockout.sessions_total + lockout.devices_total - sessions.length - devices.length;
  return (
    <div className="grid gap-3">
      {caller && (
        <p className="rounded-lg bg-kumo-danger-tint p-3 font-medium ring ring-kumo-danger/30">
          You, from where you are now.
        </p>
      )}
      {lockout.by_country.length > 0 && (
        <ul aria-label="By country" className="grid gap-1">
          {lockout.by_country.map((row) => (
            <li key={row.country}>
              <span className="font-medium">{countryName(row.country)}</span>: {countOf(row.sessions, "session")},{" "}
              {countOf(row.devices, "device")}
            </li>
          ))}
        </ul>
      )}
      {sessions.length + devices.length > 0 && (
        <ul aria-label="Who" className="grid max-h-56 gap-1 overflow-y-auto text-sm">
          {sessions.map(({ session_id, name, surface, country, seen_at }) => (
            <li key={`${session_id} ${surface}`}>
              {name}, {surfaceNames[surface].label}, {countryName(country)}, <Timestamp at={seen_at} relative />
            </li>
          ))}
          {devices.map(({ device_id, country, seen_at }) => (
            <li key={device_id}>
              <TextLink to={`/o/${org}/devices/${device_id}`} className="font-mono text-xs underline">
                {device_id}
              </TextLink>
              , {countryName(country)}, <Timestamp at={seen_at} relative />
            </li>
          ))}
          {unnamed > 0 && <li>and {unnamed} more</li>}
        </ul>
      )}
    </div>
  );
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
