import { Button } from "@cloudflare/kumo/components/button";
import { useEffect, useRef, useState } from "react";
import type { ExportFormat } from "../../../api/audit-stream.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { Section } from "../../../components/section.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { exportLog } from "./export-log.ts";

type Progress =
  | { readonly kind: "none" }
  | { readonly kind: "running"; readonly done: number; readonly total: number | null }
  | { readonly kind: "done"; readonly total: number }
  | { readonly kind: "failed"; readonly error: unknown };

/** The log as a file, with how far it is; leaving the page ends it. */
export function ExportSection() {
  const { org } = useOrg();
  const [progress, setProgress] = useState<Progress>({ kind: "none" });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const begin = async (format: ExportFormat): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    setProgress({ kind: "running", done: 0, total: null });
    try {
      const { parts, total } = await exportLog(org.id, format, controller.signal, (done, of) =>
        setProgress({ kind: "running", done, total: of }),
      );
      save(parts, `audit-${org.slug}.${format === "jsonl" ? "jsonl" : "csv"}`);
      setProgress({ kind: "done", total });
    } catch (error) {
      setProgress(controller.signal.aborted ? { kind: "none" } : { kind: "failed", error });
    }
  };
  const isRunning = progress.kind === "running";
  return (
    <Section
      title="Export"
      lead="JSON lines hold what proves them, for “audit verify” on a machine without us. CSV is for a spreadsheet; with proofs, each row proves itself there too. That you took it stands in this log."
      actions={
        isRunning ? (
          <Button onClick={() => running.current?.abort()}>Cancel</Button>
        ) : (
          <>
            <Button onClick={() => void begin("jsonl")}>Export JSON lines</Button>
            <Button onClick={() => void begin("csv")}>Export CSV</Button>
            <Button onClick={() => void begin("csv_proofs")}>CSV with proofs</Button>
          </>
        )
      }
    >
      {isRunning && (
        <label className="grid gap-1 text-sm">
          <span className="tabular">
            {progress.total === null ? "Beginning" : `${progress.done} of ${progress.total} entries`}
          </span>
          <progress
            className="w-full"
            aria-label="Exporting the audit log"
            {...(progress.total === null ? {} : { value: progress.done, max: progress.total })}
          />
        </label>
      )}
      {progress.kind === "done" && <p role="status">Done: the log up to no. {progress.total} is in your downloads.</p>}
      {progress.kind === "failed" && <FormFailure error={progress.error} />}
    </Section>
  );
}

function save(parts: readonly string[], name: string): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
