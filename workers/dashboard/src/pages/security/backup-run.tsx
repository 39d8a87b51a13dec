import type { BackupRun } from "../../api/backups.ts";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes } from "../../format/numbers.ts";

/** Why a run failed, in the words of whoever can do something about it. */
const failures: Readonly<Record<string, string>> = {
  too_large:
    "the organisation is larger than a backup of this kind can be; whoever runs this Sentinel makes it by hand",
  out_of_time: "it took longer than it may",
  key_unavailable: "the organisation’s encryption key could not be had: look at its keeper above",
  being_migrated: "the database was being changed just then",
  stopped: "the organisation was shut meanwhile",
  hub_unavailable: "the part that speaks to devices did not answer",
  interrupted: "it ended without a word",
};

const share = ({ bytes, bytes_estimated: all }: BackupRun): string => {
  const read = formatBytes(bytes);
  // The disk’s size of a table is not that of its rows as text, so it never says that it is done before it is.
  return all === null || all === 0 ? read : `${read}, some ${Math.min(99, Math.floor((bytes * 100) / all))}%`;
};

/** One line: a backup that is on its way, or why the last one failed. Nothing of one that was made: it is in the list. */
export function BackupRunLine({ run }: { readonly run: BackupRun }) {
  switch (run.state) {
    case "done":
      return null;
    case "queued":
      return <p role="status">Waits for its turn, within a minute or so.</p>;
    case "running":
      return <p role="status">Being made: {share(run)} read.</p>;
    case "failed":
      return (
        <p className="text-kumo-danger">
          The last one failed <Timestamp at={run.finished_at ?? run.requested_at} relative />
          {`: ${failures[run.failure ?? ""] ?? "something went wrong; whoever runs this Sentinel can look it up"}.`}
        </p>
      );
  }
}
