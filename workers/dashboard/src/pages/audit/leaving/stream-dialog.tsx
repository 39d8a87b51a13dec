import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type AuditStream, putAuditStream, type StreamFormat } from "../../../api/audit-stream.ts";
import { FormDialog } from "../../../components/form-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { Segmented } from "../../../components/segmented.tsx";

const formats = [
  { id: "json", label: "JSON" },
  { id: "syslog", label: "Syslog fields" },
] as const satisfies readonly { id: StreamFormat; label: string }[];

/** @param props.onSaved with the secret of a stream that was made, else null */
export function StreamDialog(props: {
  readonly stream: AuditStream | null;
  readonly onSaved: (secret: string | null) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { org } = useOrg();
  const [url, setUrl] = useState(props.stream?.url ?? "");
  const [format, setFormat] = useState<StreamFormat>(props.stream?.format ?? "json");
  const work = useMutation({
    mutationFn: () => putAuditStream(org.id, { url: url.trim(), format }),
    onSuccess: ({ secret }) => props.onSaved(secret),
  });
  return (
    <FormDialog
      open
      title="Stream the audit log"
      description="An https address that takes signed webhooks. Whoever runs it reads everything that stands in this log from now on."
      submit="Save"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={props.onClose}
    >
      <Input
        label="Address"
        type="url"
        required
        maxLength={512}
        autoComplete="off"
        placeholder="https://siem.school.example/audit"
        value={url}
        onChange={(event) => setUrl(event.target.value)}
      />
      <Segmented legend="Format" options={formats} value={format} onChange={setFormat} />
    </FormDialog>
  );
}
