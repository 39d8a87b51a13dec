import { Button } from "@cloudflare/kumo/components/button";
import { DownloadSimpleIcon } from "@phosphor-icons/react/DownloadSimple";
import type { Document } from "../../api/documents.ts";
import { useOrg } from "../../components/org-context.tsx";
import { saveContent } from "./download.ts";

/** Saves a document. @param version null: the current one */
export function DownloadButton(props: {
  readonly document: Pick<Document, "id" | "name">;
  readonly version?: number;
  readonly compact?: boolean;
}) {
  const { org } = useOrg();
  const { document, version, compact = false } = props;
  const of = version === undefined ? document.name : `version ${version} of ${document.name}`;
  return (
    <Button
      {...(compact ? { size: "sm" as const } : {})}
      icon={DownloadSimpleIcon}
      aria-label={`Download ${of}`}
      onClick={() => saveContent(org.id, document.id, version ?? null)}
    >
      <span className={compact ? "max-sm:hidden" : ""}>Download</span>
    </Button>
  );
}
