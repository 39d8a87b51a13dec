import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { FilesIcon } from "@phosphor-icons/react/Files";
import { TrashIcon } from "@phosphor-icons/react/Trash";
import { UploadSimpleIcon } from "@phosphor-icons/react/UploadSimple";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import {
  type Document,
  documentKey,
  documentListKey,
  documentsKey,
  listDocuments,
  restoreDocument,
} from "../../api/documents.ts";
import { usePages } from "../../api/pages.ts";
import { ExportLink } from "../../components/export-link.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Segmented } from "../../components/segmented.tsx";
import { EmptyState, FormFailure } from "../../components/states.tsx";
import { uploads, useUploads } from "../../uploads/use-uploads.ts";
import { DocumentTable } from "./document-table.tsx";
import { DropZone } from "./drop-zone.tsx";
import { FileButton } from "./file-button.tsx";
import { UploadPanel } from "./upload-panel.tsx";
import { usePeople } from "./use-people.ts";

type Place = "documents" | "bin";
/** After the last key: long enough not to ask for each letter. */
const typingPauseMs = 300;

export function DocumentsPage() {
  const { org, user, root, may } = useOrg();
  const owner = { org: org.id, user: user.id };
  const client = useQueryClient();
  const { nameOf } = usePeople();
  const items = useUploads(owner);
  const [place, setPlace] = useState<Place>("documents");
  const [search, setSearch] = useState("");
  const words = useSettled(search.trim());
  const bin = place === "bin";
  const { query, items: found } = usePages(documentListKey(org.id, words, bin), (cursor, signal) =>
    listDocuments(org.id, { words, bin }, cursor, signal),
  );
  const restore = useMutation({
    mutationFn: (document: Document) => restoreDocument(org.id, document.id),
    onSuccess: async (restored) => {
      client.setQueryData(documentKey(org.id, restored.id), restored);
      await client.invalidateQueries({ queryKey: documentsKey(org.id) });
    },
  });
  const mayAdd = may("documents:write");
  const add = (files: readonly File[]): void => {
    setPlace("documents");
    uploads.add(owner, files, null);
  };
  const upload = <FileButton label="Upload" variant="primary" icon={UploadSimpleIcon} multiple onFiles={add} />;
  return (
    <>
      <PageHeader
        title="Documents"
        lead="Sealed with a key of their own, and every reading on record"
        actions={
          <>
            <ExportLink source="documents" />
            {mayAdd && upload}
          </>
        }
      />
      <UploadPanel items={items} />
      <DropZone enabled={mayAdd} onFiles={add}>
        <div className="mb-3 flex flex-wrap items-center gap-3">
          <div className="w-full sm:w-72">
            <Input
              type="search"
              aria-label="Search documents"
              placeholder="Search names and text"
              maxLength={200}
              value={search}
              onChange={(event) => setSearch(event.target.value)}
              className="w-full"
            />
          </div>
          <Segmented
            legend="Place"
            value={place}
            onChange={setPlace}
            options={[
              { id: "documents", label: "In use" },
              { id: "bin", label: "Bin" },
            ]}
          />
        </div>
        <FormFailure error={restore.error} />
        <QueryView query={query} label="Loading documents">
          {found.length === 0 ? (
            <NoDocuments place={place} words={words} mayAdd={mayAdd} onClear={() => setSearch("")} />
          ) : (
            <DocumentTable rows={found} root={root} bin={bin} nameOf={nameOf} onRestore={restore.mutate} />
          )}
          <LoadMore query={query} />
        </QueryView>
      </DropZone>
    </>
  );
}

function NoDocuments(props: {
  readonly place: Place;
  readonly words: string;
  readonly mayAdd: boolean;
  readonly onClear: () => void;
}) {
  if (props.words !== "") {
    return (
      <EmptyState icon={<FilesIcon className="size-8" />} title="No document matches">
        <Button onClick={props.onClear}>Clear search</Button>
      </EmptyState>
    );
  }
  if (props.place === "bin") {
    return (
      <EmptyState icon={<TrashIcon className="size-8" />} title="The bin is empty">
        <p>What is deleted is kept here for 30 days, and then gone for good.</p>
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={<FilesIcon className="size-8" />} title="No documents yet">
      {props.mayAdd ? (
        <p>Drop files here, or choose them with the button above. Each may have up to 1 GB.</p>
      ) : (
        <p>What somebody shares with you appears here.</p>
      )}
    </EmptyState>
  );
}

/** A value once it has not changed for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), typingPauseMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
