import { Button } from "@cloudflare/kumo/components/button";
import { ArrowCounterClockwiseIcon } from "@phosphor-icons/react/ArrowCounterClockwise";
import { goneAt } from "../../../../../core/documents/bin.ts";
import type { Document } from "../../api/documents.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes } from "../../format/numbers.ts";
import { DownloadButton } from "../document/download-button.tsx";
import { DocumentKind } from "./document-kind.tsx";

export function DocumentTable(props: {
  readonly rows: readonly Document[];
  readonly root: string;
  readonly bin: boolean;
  readonly nameOf: (user: string) => string;
  readonly onRestore: (document: Document) => void;
}) {
  const { rows, root, bin, nameOf, onRestore } = props;
  const columns: readonly Column<Document>[] = [
    {
      header: "Name",
      cell: (document) => (
        <div className="min-w-0">
          <TextLink to={`${root}/documents/${document.id}`} className="font-medium [overflow-wrap:anywhere]">
            {document.name}
          </TextLink>
          <div className="text-xs text-kumo-subtle">
            <DocumentKind version={document.version} />
          </div>
        </div>
      ),
    },
    {
      header: "Size",
      cell: ({ version }) => <span className="tabular whitespace-nowrap">{formatBytes(version.size_bytes)}</span>,
      className: "max-sm:hidden",
    },
    { header: "Owner", cell: ({ owner }) => nameOf(owner), className: "max-lg:hidden" },
    bin
      ? {
          header: "Gone for good",
          cell: ({ deleted_at }) => <Timestamp at={deleted_at === null ? null : goneAt(deleted_at)} relative />,
          className: "max-md:hidden",
        }
      : {
          header: "Changed",
          cell: ({ updated_at }) => <Timestamp at={updated_at} relative />,
          className: "max-md:hidden",
        },
    {
      header: "Actions",
      quiet: true,
      align: "end",
      cell: (document) => {
        if (!bin) return <DownloadButton document={document} compact />;
        if (!document.may_write) return null;
        return (
          <Button
            size="sm"
            icon={ArrowCounterClockwiseIcon}
            aria-label={`Restore ${document.name}`}
            onClick={() => onRestore(document)}
          >
            Restore
          </Button>
        );
      },
    },
  ];
  return <DataTable label={bin ? "Bin" : "Documents"} columns={columns} rows={rows} rowKey={({ id }) => id} />;
}
