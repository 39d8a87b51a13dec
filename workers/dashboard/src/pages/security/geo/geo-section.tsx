import { Badge } from "@cloudflare/kumo/components/badge";
import { useQuery } from "@tanstack/react-query";
import { type GeoPolicyView, geoKey, getGeo, surfaceIds } from "../../../api/geo.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";
import { countryName } from "../../../format/countries.ts";
import { GeoForm } from "./geo-form.tsx";
import { PendingChange } from "./pending-change.tsx";
import { surfaceNames } from "./surface-names.ts";

/** From where the organisation takes requests. */
export function GeoSection() {
  const { org, may } = useOrg();
  const query = useQuery({ queryKey: geoKey(org.id), queryFn: ({ signal }) => getGeo(org.id, signal) });
  return (
    <Section
      title="Where requests may come from"
      lead="By country, network and operator, for each surface. This controls access; it does not say where data is kept."
    >
      <QueryView query={query} label="Loading the geo policy" rows={2}>
        {query.data !== undefined && (
          <>
            {query.data.reverts_at !== null && <PendingChange revertsAt={query.data.reverts_at} />}
            {query.data.opened !== null && (
              <p role="status" className="mb-4 rounded-lg bg-kumo-warning-tint p-4 ring ring-kumo-warning/40">
                A break-glass code opened the dashboard to {countryName(query.data.opened.country)}, until{" "}
                <Timestamp at={query.data.opened.until} />.
              </p>
            )}
            {may("policies:manage") ? (
              <GeoForm key={JSON.stringify(query.data.surfaces)} policy={query.data} />
            ) : (
              <RulesInWords policy={query.data} />
            )}
          </>
        )}
      </QueryView>
    </Section>
  );
}

function RulesInWords({ policy }: { readonly policy: GeoPolicyView }) {
  return (
    <ul className="grid gap-2">
      {surfaceIds.map((surface) => (
        <li key={surface} className="flex flex-wrap items-center gap-1.5">
          <span className="font-medium">{surfaceNames[surface].label}:</span>
          {policy.surfaces[surface].countries.map((code) => (
            <Badge key={code} variant="secondary">
              {countryName(code)}
            </Badge>
          ))}
        </li>
      ))}
    </ul>
  );
}
