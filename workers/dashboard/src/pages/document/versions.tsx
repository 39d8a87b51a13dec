import { Badge } from "@cloudflare/kumo/components/badge";
import { useQuery } from "@tanstack/react-query";
import { type Document, listVersions, versionsKey } from "../../api/documents.ts";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Row, Section } from "../../components/section.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes } from "../../format/numbers.ts";
import { uploads } from "../../uploads/use-uploads.ts";
import { FileButton } from "../documents/file-button.tsx";
import { usePeople } from "../documents/use-people.ts";
import { DownloadButton } from "./download-button.tsx";

/** Every version that is kept, and a way to add one. */
export function Versions({ document }: { readonly document: Document }) {
  const { org, user } = useOrg();
  const { nameOf } = usePeople();
  const query = useQuery({
    queryKey: versionsKey(org.id, document.id),
    queryFn: ({ signal }) => listVersions(org.id, document.id, signal),
  });
  const mayAdd = document.may_write && document.deleted_at === null;
  return (
    <Section
      title="Versions"
      actions={
        mayAdd ? (
          <FileButton
            size="sm"
            label="New version"
            onFiles={(files) => uploads.add({ org: org.id, user: user.id }, files, document.id)}
          />
        ) : undefined
      }
    >
      <QueryView query={query} label="Loading versions" rows={2}>
        <ul>
          {(query.data ?? []).map(({ number, size_bytes, created_by, completed_at }) => (
            <Row
              key={number}
              actions={document.deleted_at === null && <DownloadButton document={document} version={number} compact />}
            >
              <p className="flex flex-wrap items-center gap-2 font-medium">
                Version {number}
                {number === document.version.number && <Badge variant="secondary">Current</Badge>}
              </p>
              <p className="text-xs text-kumo-subtle">
                {formatBytes(size_bytes)} · {nameOf(created_by)} · <Timestamp at={completed_at} relative />
              </p>
            </Row>
          ))}
        </ul>
      </QueryView>
    </Section>
  );
}
