import type { Origin, Trial } from "../../../api/geo.ts";
import { type Column, DataTable } from "../../../components/data-table.tsx";
import { countryName } from "../../../format/countries.ts";
import { LockoutList } from "./lockout-list.tsx";
import { surfaceNames } from "./surface-names.ts";
import { type Mark, WorldMap } from "./world-map.tsx";

/** Rows of the table; the rest are few requests each. */
const rowsMax = 30;

const columns: readonly Column<Origin>[] = [
  { header: "Country", cell: ({ country }) => countryName(country) },
  { header: "Surface", cell: ({ surface }) => surfaceNames[surface].label },
  { header: "Requests", cell: ({ requests }) => requests.toLocaleString() },
  { header: "Newly refused", cell: ({ newly_refused }) => newly_refused.toLocaleString() },
  { header: "Newly let in", cell: ({ newly_admitted }) => newly_admitted.toLocaleString() },
];

/** What rules would have done: on a map, in figures, and by name. */
export function TrialResult({ trial, org }: { readonly trial: Trial; readonly org: string }) {
  const { lockout } = trial;
  const nobody = !lockout.caller && lockout.sessions_total + lockout.devices_total === 0;
  return (
    <section aria-label="Result of the trial" className="grid gap-4">
      <p role="status">
        Of {trial.requests.toLocaleString()} requests in {trial.days} days these rules would refuse{" "}
        <strong>{trial.newly_refused.toLocaleString()}</strong> that pass today and let in{" "}
        <strong>{trial.newly_admitted.toLocaleString()}</strong> that were refused.
      </p>
      {trial.by_origin.length > 0 && (
        <>
          <WorldMap
            label="Requests by country on a world map; the table has the same figures"
            marks={marksOf(trial.by_origin)}
          />
          <p className="flex flex-wrap gap-4 text-sm text-kumo-subtle">
            <Key colour="bg-(--chart-1)" label="no change" />
            <Key colour="bg-kumo-danger" label="newly refused" />
            <Key colour="bg-kumo-success" label="newly let in" />
          </p>
          <DataTable
            label="Requests by country and surface"
            columns={columns}
            rows={trial.by_origin.slice(0, rowsMax)}
            rowKey={({ country, surface }) => `${country} ${surface}`}
          />
        </>
      )}
      {nobody ? (
        <p>Nobody who was here in the last seven days would be shut out.</p>
      ) : (
        <div>
          <h3 className="mb-2 font-semibold">Who of the last seven days would be shut out</h3>
          <LockoutList lockout={lockout} org={org} />
        </div>
      )}
    </section>
  );
}

function Key({ colour, label }: { readonly colour: string; readonly label: string }) {
  return (
    <span className="flex items-center gap-1.5">
      <span aria-hidden="true" className={`size-3 rounded-full ${colour}`} />
      {label}
    </span>
  );
}

/** By number of requests, coloured by what the rules would change for any of them. */
function marksOf(origins: readonly Origin[]): Mark[] {
  const sums = new Map<string, { requests: number; refused: number; admitted: number }>();
  for (const { country, requests, newly_refused, newly_admitted } of origins) {
    const known = sums.get(country) ?? { requests: 0, refused: 0, admitted: 0 };
    sums.set(country, {
      requests: known.requests + requests,
      refused: known.refused + newly_refused,
      admitted: known.admitted + newly_admitted,
    });
  }
  return [...sums].map(([code, { requests, refused, admitted }]) => {
    const quiet = admitted > 0 ? "fill-kumo-success" : "fill-(--chart-1)";
    return {
      code,
      size: requests,
      colour: refused > 0 ? "fill-kumo-danger" : quiet,
      title: `${countryName(code)}: ${requests} requests, ${refused} newly refused, ${admitted} newly let in`,
    };
  });
}
