import { Button } from "@cloudflare/kumo/components/button";
import { ExportIcon } from "@phosphor-icons/react/Export";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { isOver } from "../../../../../core/exports/job.ts";
import { destinationsKey, exportsKey, listDestinations, listExports } from "../../api/exports.ts";
import { usePages } from "../../api/pages.ts";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { EmptyState } from "../../components/states.tsx";
import { usePeople } from "../documents/use-people.ts";
import { ApprovalSection } from "./approval-section.tsx";
import { DestinationsSection } from "./destinations-section.tsx";
import { ExportRow } from "./export-row.tsx";
import { type ExportOffer, NewExportDialog } from "./new-export-dialog.tsx";
import { parseSource } from "./words.ts";

/** How often the list is read anew, in milliseconds: often enough to see rows come, where they do. */
const watchMs = 2_000;
const restMs = 30_000;

/** What leaves the organisation as files: asked for, watched, fetched, agreed to. */
export function ExportsPage() {
  const { org, may } = useOrg();
  const { nameOf } = usePeople();
  const [search, setSearch] = useSearchParams();
  const offered = parseSource(search.get("new"));
  const [asking, setAsking] = useState<ExportOffer | null>(
    offered === null ? null : { source: offered, device: search.get("device") },
  );
  const [pace, setPace] = useState(restMs);
  const { query, items } = usePages(exportsKey(org.id), (cursor, signal) => listExports(org.id, cursor, signal), {
    refetchIntervalMs: pace,
  });
  const wanted = items.some(({ state }) => !isOver(state)) ? watchMs : restMs;
  if (wanted !== pace) setPace(wanted);
  const manages = may("policies:manage");
  const places = useQuery({
    queryKey: destinationsKey(org.id),
    queryFn: ({ signal }) => listDestinations(org.id, signal),
    enabled: manages,
  });
  const destinations = places.data ?? [];
  const close = (): void => {
    setAsking(null);
    // Reading the page again must not ask again.
    if (search.size > 0) setSearch({}, { replace: true });
  };
  const ask = (
    <Button variant="primary" icon={PlusIcon} onClick={() => setAsking({ source: "inventory", device: null })}>
      New export
    </Button>
  );
  const waiting = items.filter(({ state }) => state === "waiting_approval").length;
  return (
    <>
      <PageHeader
        title="Exports"
        lead="Made in the background as you see the data, sealed, and deleted after a week"
        actions={may("exports:make") && items.length > 0 ? ask : undefined}
      />
      <div className="grid gap-4">
        <QueryView query={query} label="Loading exports" rows={3}>
          {items.length === 0 ? (
            <EmptyState icon={<ExportIcon className="size-8" />} title="No export yet">
              <p>Devices, readings, the audit log or the list of documents, as CSV, JSON lines or Excel.</p>
              {may("exports:make") && ask}
            </EmptyState>
          ) : (
            <Section title="All exports" {...(waiting > 0 ? { lead: waitingText(waiting) } : {})}>
              <ul>
                {items.map((item) => (
                  <ExportRow key={item.id} item={item} destinations={destinations} nameOf={nameOf} />
                ))}
              </ul>
              <LoadMore query={query} />
            </Section>
          )}
        </QueryView>
        {manages && <DestinationsSection query={places} />}
        {may("policies:read") && <ApprovalSection />}
      </div>
      {asking !== null && may("exports:make") && (
        <NewExportDialog offer={asking} destinations={destinations} onClose={close} />
      )}
    </>
  );
}

const waitingText = (count: number): string =>
  count === 1 ? "One waits for a second administrator" : `${count} wait for a second administrator`;
