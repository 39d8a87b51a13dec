import { ListChecksIcon } from "@phosphor-icons/react/ListChecks";
import { useSearchParams } from "react-router";
import { type AuditFilter, listAudit } from "../../api/audit.ts";
import { explainAudit } from "../../api/explanations.ts";
import { listMembers } from "../../api/orgs.ts";
import { usePages } from "../../api/pages.ts";
import { ExplanationSection } from "../../components/explanation/explanation-section.tsx";
import { ExportLink } from "../../components/export-link.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { EmptyState, ProgressBar } from "../../components/states.tsx";
import { membersKey } from "../members/members-key.ts";
import { ActivitySection } from "./activity/activity-section.tsx";
import { AuditFilters } from "./audit-filters.tsx";
import { AuditTable } from "./audit-table.tsx";
import { ErasureSection } from "./erasure/erasure-section.tsx";
import { filterFromSearch } from "./filter.ts";
import { AlertMailSection } from "./leaving/alert-mail.tsx";
import { ExportSection } from "./leaving/export-section.tsx";
import { StreamSection } from "./leaving/stream-section.tsx";
import { SignedState } from "./signed-state.tsx";
import { WitnessesSection } from "./witnesses/witnesses-section.tsx";

export function AuditPage() {
  const { org, user, may } = useOrg();
  const [search, setSearch] = useSearchParams();
  const filter = filterFromSearch(search);
  const { query, items } = usePages(["audit", org.id, filter], (cursor, signal) =>
    listAudit(org.id, filter, cursor, signal),
  );
  const members = usePages(membersKey(org.id), (cursor, signal) => listMembers(org.id, cursor, signal), {
    enabled: may("members:read"),
  });
  const names = new Map([[user.id, user.name], ...members.items.map(({ user_id, name }) => [user_id, name] as const)]);
  const change = (next: AuditFilter): void => {
    const kept = Object.entries(next).filter(([, value]) => value !== "");
    setSearch(Object.fromEntries(kept), { replace: true });
  };
  return (
    <>
      <PageHeader
        title="Audit log"
        lead="Who did what, newest first. Entries can’t be changed or removed."
        actions={<ExportLink source="audit" />}
      />
      <SignedState org={org.id} />
      <div className="mb-4">
        <ActivitySection onNarrow={(to) => change({ ...filter, ...to })} />
      </div>
      <AuditFilters filter={filter} people={[...names]} onChange={change} />
      {may("audit:explain") && (
        <div className="mb-4">
          <ExplanationSection
            title="In a language model’s words"
            lead="What the filter finds, without addresses and without reads that went well"
            questions={[
              { label: "Summarise", explain: explainAudit(org.id, "audit_summary", filter) },
              { label: "Draft an incident report", explain: explainAudit(org.id, "incident_report", filter) },
            ]}
          />
        </div>
      )}
      <div className="relative">
        {query.isFetching && !query.isPending && <ProgressBar label="Reading the audit log" />}
        <QueryView query={query} label="Loading the audit log" rows={8}>
          {items.length === 0 ? (
            <EmptyState icon={<ListChecksIcon className="size-8" />} title="No entry matches">
              {/* A page looks at only so many entries: what is rare may be in the next. */}
              <p>{query.hasNextPage ? "None so far; older ones may." : "Choose another kind, person or time."}</p>
            </EmptyState>
          ) : (
            <AuditTable entries={items} nameOf={(id) => names.get(id) ?? id} />
          )}
          <LoadMore query={query} />
        </QueryView>
      </div>
      <div className="mt-6 grid gap-4">
        <ExportSection />
        <AlertMailSection />
        {may("audit:manage") && <StreamSection />}
        <WitnessesSection />
        {may("audit:erase") && <ErasureSection suggested={names.has(filter.actor) ? "" : filter.actor} />}
      </div>
    </>
  );
}
