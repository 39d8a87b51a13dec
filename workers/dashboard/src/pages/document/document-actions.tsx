import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Document, documentKey, documentsKey, removeDocument, restoreDocument } from "../../api/documents.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { FormFailure } from "../../components/states.tsx";
import { DownloadButton } from "./download-button.tsx";
import { RenameDialog } from "./rename-dialog.tsx";

/** What can be done to a document; in the bin, that is to take it out. */
export function DocumentActions({ document }: { readonly document: Document }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [asked, setAsked] = useState<"rename" | "remove" | null>(null);
  const close = (): void => setAsked(null);
  const refresh = async (): Promise<void> => {
    // The document alone: of one in the bin nobody is told with whom it is shared.
    await client.invalidateQueries({ queryKey: documentKey(org.id, document.id), exact: true });
    await client.invalidateQueries({ queryKey: documentsKey(org.id) });
  };
  const restore = useMutation({ mutationFn: () => restoreDocument(org.id, document.id), onSuccess: refresh });
  if (document.deleted_at !== null) {
    if (!document.may_write) return null;
    return (
      <>
        <FormFailure error={restore.error} />
        <Button variant="primary" loading={restore.isPending} onClick={() => restore.mutate()}>
          Restore
        </Button>
      </>
    );
  }
  return (
    <>
      {document.may_write && <Button onClick={() => setAsked("rename")}>Rename</Button>}
      {document.may_write && (
        <Button variant="secondary-destructive" onClick={() => setAsked("remove")}>
          Delete
        </Button>
      )}
      <DownloadButton document={document} />
      {asked === "rename" && <RenameDialog document={document} onClose={close} />}
      <ConfirmDialog
        open={asked === "remove"}
        title={`Delete ${document.name}?`}
        confirm="Move to bin"
        destructive
        onClose={close}
        onConfirm={async () => {
          await removeDocument(org.id, document.id);
          await refresh();
        }}
      >
        <p>It is kept in the bin for 30 days, where nobody it is shared with sees it. Until then it can be restored.</p>
      </ConfirmDialog>
    </>
  );
}
