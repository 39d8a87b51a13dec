import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { exportSources, formatsOf, sourcePermissions } from "../../../../../core/exports/job.ts";
import { createExport, type Destination, type Export, exportsKey, type WantedExport } from "../../api/exports.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { formatNames, sourceNames } from "./words.ts";

/** The person's own download, among ids of destinations. */
const download = "download";

/** What was chosen elsewhere: the page that led here. */
export interface ExportOffer {
  readonly source: Export["source"];
  /** Of one device alone. */
  readonly device: string | null;
}

/** Asks what, of which time, in which format and where to. */
export function NewExportDialog(props: {
  readonly offer: ExportOffer;
  readonly destinations: readonly Destination[];
  readonly onClose: () => void;
}) {
  const { org, may } = useOrg();
  const client = useQueryClient();
  const [source, setSource] = useState(props.offer.source);
  const [format, setFormat] = useState<Export["format"]>("csv");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [destination, setDestination] = useState(download);
  const hasTime = source === "telemetry" || source === "audit";
  const work = useMutation({
    mutationFn: (key: string) => {
      const { device } = props.offer;
      const wanted: WantedExport = {
        source,
        format,
        destination: destination === download ? null : destination,
        ...(source === "telemetry" && device !== null ? { devices: [device] } : {}),
        ...(hasTime && from !== "" ? { from: startOf(from) } : {}),
        // The day that was chosen is the last one in it.
        ...(hasTime && to !== "" ? { to: startOf(to, 1) } : {}),
      };
      return createExport(org.id, wanted, key);
    },
    onSuccess: async () => {
      props.onClose();
      await client.invalidateQueries({ queryKey: exportsKey(org.id) });
    },
  });
  const places = [{ id: download, name: "Download" }, ...props.destinations];
  return (
    <FormDialog
      open
      title="New export"
      description="It goes on when you leave this page. Every export is on record."
      submit="Export"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={props.onClose}
    >
      <Select
        label="What"
        value={source}
        renderValue={(value) => sourceNames[value]}
        onValueChange={(next) => {
          if (next === null) return;
          setSource(next);
          if (!formatsOf(next).includes(format)) setFormat("csv");
        }}
        description={whatText(source, props.offer.device)}
      >
        {exportSources
          .filter((each) => may(sourcePermissions[each]))
          .map((each) => (
            <Select.Option key={each} value={each}>
              {sourceNames[each]}
            </Select.Option>
          ))}
      </Select>
      {hasTime && (
        <div className="grid gap-3 sm:grid-cols-2 *:min-w-0">
          <Input label="From (UTC)" type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
          <Input label="Through (UTC)" type="date" value={to} onChange={(event) => setTo(event.target.value)} />
        </div>
      )}
      <Select
        label="Format"
        value={format}
        renderValue={(value) => formatNames[value]}
        onValueChange={(next) => next !== null && setFormat(next)}
      >
        {formatsOf(source).map((each) => (
          <Select.Option key={each} value={each}>
            {formatNames[each]}
          </Select.Option>
        ))}
      </Select>
      {props.destinations.length > 0 && (
        <Select
          label="Where to"
          value={destination}
          renderValue={(value) => places.find(({ id }) => id === value)?.name ?? ""}
          onValueChange={(next) => next !== null && setDestination(next)}
        >
          {places.map(({ id, name }) => (
            <Select.Option key={id} value={id}>
              {name}
            </Select.Option>
          ))}
        </Select>
      )}
    </FormDialog>
  );
}

/** Midnight of a day in UTC, `2026-11-23`, or of one after it. */
function startOf(day: string, later = 0): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + later);
  return at.toISOString();
}

function whatText(source: Export["source"], device: string | null): string {
  switch (source) {
    case "inventory":
      return "Every device that you see, with its groups";
    case "telemetry":
      return device === null ? "One row for each reading of the devices that you see" : "Readings of this one device";
    case "audit":
      return "Entries of the log, oldest first";
    case "documents":
      return "Names, sizes and versions of those that you see; as a zip, the files themselves with a list";
  }
}
