import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { auditAlertsKey, getAuditAlerts, putAuditAlerts } from "../../../api/audit-stream.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { FormFailure } from "../../../components/states.tsx";

/** Whether owners and admins are mailed what the log says should be looked at. */
export function AlertMailSection() {
  const { org, may } = useOrg();
  const client = useQueryClient();
  const key = auditAlertsKey(org.id);
  const query = useQuery({ queryKey: key, queryFn: ({ signal }) => getAuditAlerts(org.id, signal) });
  const change = useMutation({
    mutationFn: (mail: boolean) => putAuditAlerts(org.id, mail),
    onSuccess: (found) => client.setQueryData(key, found),
  });
  const mail = query.data?.mail;
  return (
    <Section
      title="Mail about alerts"
      lead="Owners and admins hear of many failed sign-ins, impossible travel and the like."
      actions={
        mail !== undefined &&
        may("audit:manage") && (
          <Button loading={change.isPending} onClick={() => change.mutate(!mail)}>
            {mail ? "Switch off" : "Switch on"}
          </Button>
        )
      }
    >
      <QueryView query={query} label="Loading" rows={1}>
        <p>
          {mail
            ? `On: at most ${query.data?.mails_a_day_max} mails a day.`
            : "Off. Alerts stand in the log all the same."}
        </p>
      </QueryView>
      <FormFailure error={change.error} />
    </Section>
  );
}
