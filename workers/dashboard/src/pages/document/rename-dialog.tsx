import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type Document, documentKey, documentsKey, renameDocument } from "../../api/documents.ts";
import { NameDialog } from "../../components/name-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";

export function RenameDialog({ document, onClose }: { readonly document: Document; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: (name: string) => renameDocument(org.id, document.id, name),
    onSuccess: async (renamed) => {
      client.setQueryData(documentKey(org.id, document.id), renamed);
      onClose();
      await client.invalidateQueries({ queryKey: documentsKey(org.id) });
    },
  });
  return (
    <NameDialog
      title="Rename document"
      submit="Rename"
      suggested={document.name}
      lengthMax={255}
      pending={work.isPending}
      error={work.error}
      onName={work.mutate}
      onClose={onClose}
    />
  );
}
