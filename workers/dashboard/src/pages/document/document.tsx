import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { goneAt } from "../../../../../core/documents/bin.ts";
import { type Document, documentKey, getDocument } from "../../api/documents.ts";
import { problemOf } from "../../api/problem.ts";
import { Fact } from "../../components/fact.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes } from "../../format/numbers.ts";
import { useUploads } from "../../uploads/use-uploads.ts";
import { DocumentKind } from "../documents/document-kind.tsx";
import { UploadPanel } from "../documents/upload-panel.tsx";
import { usePeople } from "../documents/use-people.ts";
import { DocumentActions } from "./document-actions.tsx";
import { Sharing } from "./sharing.tsx";
import { Versions } from "./versions.tsx";

export function DocumentPage() {
  const { org, root } = useOrg();
  const { document: id = "" } = useParams();
  const query = useQuery({
    queryKey: documentKey(org.id, id),
    queryFn: ({ signal }) => getDocument(org.id, id, signal),
  });
  return (
    <>
      <nav aria-label="Breadcrumb" className="mb-1 text-sm text-kumo-subtle">
        <TextLink to={`${root}/documents`}>Documents</TextLink>
      </nav>
      {query.data === undefined && query.error !== null && problemOf(query.error).status === 404 ? (
        <PageHeader title="No such document" lead="It is gone, or nobody has shared it with you." />
      ) : (
        <QueryView query={query} label="Loading document" rows={6}>
          {query.data !== undefined && <DocumentView key={id} document={query.data} />}
        </QueryView>
      )}
    </>
  );
}

function DocumentView({ document }: { readonly document: Document }) {
  const { org, user } = useOrg();
  const { nameOf } = usePeople();
  const uploading = useUploads({ org: org.id, user: user.id }).filter(
    (item) => item.document === document.id && item.state !== "done",
  );
  const { version, deleted_at: deletedAt } = document;
  return (
    <>
      <PageHeader title={document.name} actions={<DocumentActions document={document} />} />
      <UploadPanel items={uploading} />
      {deletedAt !== null && (
        <p role="status" className="mb-4 rounded-xl bg-kumo-warning-tint p-4 ring ring-kumo-hairline">
          In the bin since <Timestamp at={deletedAt} />. Gone for good <Timestamp at={goneAt(deletedAt)} relative />.
        </p>
      )}
      <div className="grid gap-4 lg:grid-cols-2">
        <Section title="Document">
          <dl>
            <Fact term="Kind">
              <DocumentKind version={version} />
            </Fact>
            <Fact term="Size">{formatBytes(version.size_bytes)}</Fact>
            <Fact term="Owner">{nameOf(document.owner)}</Fact>
            <Fact term="Made">
              <Timestamp at={document.created_at} />
            </Fact>
            <Fact term="Changed">
              <Timestamp at={document.updated_at} />
            </Fact>
            <Fact term="Id">
              <span className="font-mono text-xs break-all">{document.id}</span>
            </Fact>
          </dl>
        </Section>
        <Versions document={document} />
        {document.may_write && deletedAt === null && <Sharing document={document} />}
      </div>
    </>
  );
}
