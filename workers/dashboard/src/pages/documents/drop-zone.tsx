import { UploadSimpleIcon } from "@phosphor-icons/react/UploadSimple";
import { type DragEvent, type ReactNode, useRef, useState } from "react";

/** Takes files that are dropped on what is inside; whoever drags nothing has the button beside it. */
export function DropZone(props: {
  readonly enabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly children: ReactNode;
}) {
  /** Elements inside send their own enter and leave. */
  const depth = useRef(0);
  const [over, setOver] = useState(false);
  const [hadFolder, setHadFolder] = useState(false);
  if (!props.enabled) return props.children;
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");
  const move = (event: DragEvent, by: number): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  return (
    <section
      aria-label="Drop files here to upload them"
      className="relative"
      onDragEnter={(event) => move(event, 1)}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDragLeave={(event) => move(event, -1)}
      onDrop={(event) => {
        move(event, -depth.current);
        // A folder comes as a file whose bytes nobody can read.
        const items = [...event.dataTransfer.items];
        const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory === true);
        const files = items.flatMap((item) => (folders.includes(item) ? [] : (item.getAsFile() ?? [])));
        setHadFolder(folders.length > 0);
        if (files.length > 0) props.onFiles(files);
      }}
    >
      {hadFolder && (
        <p role="status" className="mb-3 rounded-xl bg-kumo-warning-tint p-4 ring ring-kumo-hairline">
          A folder can’t be uploaded. Open it and drop the files that are in it.
        </p>
      )}
      {props.children}
      {over && (
        <div className="pointer-events-none absolute inset-0 z-10 grid min-h-40 place-items-center rounded-xl bg-kumo-base/90 ring-2 ring-(--chart-1)">
          <p className="flex items-center gap-2 font-medium">
            <UploadSimpleIcon aria-hidden="true" className="size-5" /> Drop to upload
          </p>
        </div>
      )}
    </section>
  );
}
