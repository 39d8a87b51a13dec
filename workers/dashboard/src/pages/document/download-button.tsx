import { Button } from "@cloudflare/kumo/components/button";
import { DownloadSimpleIcon } from "@phosphor-icons/react/DownloadSimple";
import { useMutation } from "@tanstack/react-query";
import type { Document } from "../../api/documents.ts";
import { useOrg } from "../../components/org-context.tsx";
import { FormFailure } from "../../components/states.tsx";
import { saveContent } from "./download.ts";

/** Saves a document. @param version null: the current one */
export function DownloadButton(props: {
  readonly document: Pick<Document, "id" | "name">;
  readonly version?: number;
  readonly compact?: boolean;
}) {
  const { org } = useOrg();
  const { document, version, compact = false } = props;
  const work = useMutation({ mutationFn: () => saveContent(org.id, document.id, version ?? null) });
  const of = version === undefined ? document.name : `version ${version} of ${document.name}`;
  return (
    <div className="grid justify-items-end gap-2">
      <Button
        {...(compact ? { size: "sm" as const } : {})}
        icon={DownloadSimpleIcon}
        loading={work.isPending}
        aria-label={`Download ${of}`}
        onClick={() => work.mutate()}
      >
        <span className={compact ? "max-sm:hidden" : ""}>Download</span>
      </Button>
      <FormFailure error={work.error} />
    </div>
  );
}
