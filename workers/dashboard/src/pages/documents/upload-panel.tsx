import { Button } from "@cloudflare/kumo/components/button";
import { isProblem } from "../../api/problem.ts";
import { Row, Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { formatBytes } from "../../format/numbers.ts";
import type { UploadItem } from "../../uploads/uploads.ts";
import { uploads } from "../../uploads/use-uploads.ts";
import { FileButton } from "./file-button.tsx";

/** What is on its way, what waits, and what went wrong; nothing while there is none. */
export function UploadPanel({ items }: { readonly items: readonly UploadItem[] }) {
  if (items.length === 0) return null;
  return (
    <div className="mb-4">
      <Section
        title="Uploads"
        actions={
          items.some(isDone) ? (
            <Button size="sm" onClick={() => items.filter(isDone).forEach(({ key }) => void uploads.cancel(key))}>
              Hide finished
            </Button>
          ) : undefined
        }
      >
        <ul>
          {items.map((item) => (
            <Row key={item.key} actions={<UploadActions item={item} />}>
              <p className="font-medium [overflow-wrap:anywhere]">{item.name}</p>
              <UploadProgress item={item} />
              {item.error !== null && (
                <div className="mt-2">
                  <FormFailure error={item.error} />
                </div>
              )}
            </Row>
          ))}
        </ul>
      </Section>
    </div>
  );
}

const isDone = ({ state }: UploadItem): boolean => state === "done";
/** Trying again, it would be refused again. */
const isFinal = ({ error }: UploadItem): boolean =>
  isProblem(error, "harmful_document") || isProblem(error, "not_found");

const words: Readonly<Record<UploadItem["state"], string>> = {
  sending: "Uploading",
  checking: "Checking",
  paused: "Paused",
  file_wanted: "Not finished: choose the same file to go on",
  failed: "Not uploaded",
  done: "Uploaded",
};

function UploadProgress({ item }: { readonly item: UploadItem }) {
  const { name, sent, size, state } = item;
  // Of what has no bytes, all is there.
  const percent = size === 0 ? 100 : Math.floor((sent / size) * 100);
  const isShown = state === "sending" || state === "checking" || state === "paused";
  return (
    <>
      <p className="tabular text-xs text-kumo-subtle" aria-live="polite">
        {words[state]}
        {isShown ? ` · ${formatBytes(sent)} of ${formatBytes(size)}` : ` · ${formatBytes(size)}`}
      </p>
      {isShown && (
        <div
          role="progressbar"
          aria-label={`Upload of ${name}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
          className="mt-1.5 h-1.5 overflow-hidden rounded-full bg-kumo-fill"
        >
          <div
            className="h-full rounded-full bg-(--chart-1) transition-[width] duration-300"
            style={{ width: `${percent}%` }}
          />
        </div>
      )}
    </>
  );
}

function UploadActions({ item }: { readonly item: UploadItem }) {
  const { key, name, state } = item;
  const isOver = state === "done" || state === "failed";
  return (
    <>
      {state === "sending" && (
        <Button size="sm" aria-label={`Pause ${name}`} onClick={() => uploads.pause(key)}>
          Pause
        </Button>
      )}
      {(state === "paused" || state === "failed") && !isFinal(item) && (
        <Button size="sm" aria-label={`Resume ${name}`} onClick={() => uploads.resume(key)}>
          {state === "failed" ? "Try again" : "Resume"}
        </Button>
      )}
      {state === "file_wanted" && (
        <FileButton size="sm" label="Choose file" onFiles={([file]) => uploads.resume(key, file ?? null)} />
      )}
      {state !== "checking" && (
        <Button
          size="sm"
          variant={isOver ? "secondary" : "secondary-destructive"}
          aria-label={isOver ? `Hide ${name}` : `Give up ${name}`}
          onClick={() => void uploads.cancel(key)}
        >
          {isOver ? "Hide" : "Give up"}
        </Button>
      )}
    </>
  );
}
