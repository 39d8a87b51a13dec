import { Button } from "@cloudflare/kumo/components/button";
import { KeyIcon } from "@phosphor-icons/react/Key";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { enrollmentCodesKey, listEnrollmentCodes, revokeEnrollmentCode } from "../../api/devices.ts";
import { usePages } from "../../api/pages.ts";
import type { EnrollmentCode } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { EmptyState } from "../../components/states.tsx";
import { Timestamp, useNow } from "../../components/timestamp.tsx";
import { type CodeState, codeState } from "./code-state.ts";
import { EnrollInstructions } from "./enroll-instructions.tsx";
import { NewCodeDialog } from "./new-code-dialog.tsx";
import { RolloutDialog } from "./rollout-dialog.tsx";

const stateTexts: Readonly<Record<CodeState, string>> = {
  usable: "Usable",
  used_up: "Used up",
  expired: "Expired",
  revoked: "Revoked",
};

export function EnrollPage() {
  const { org } = useOrg();
  const client = useQueryClient();
  const now = useNow();
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<EnrollmentCode | null>(null);
  const [rollingOut, setRollingOut] = useState<EnrollmentCode | null>(null);
  const key = enrollmentCodesKey(org.id);
  const { query, items } = usePages(key, (cursor, signal) => listEnrollmentCodes(org.id, cursor, signal));
  const refresh = () => client.invalidateQueries({ queryKey: key });
  const columns: readonly Column<EnrollmentCode>[] = [
    { header: "Name", cell: ({ name }) => <span className="font-medium">{name}</span> },
    { header: "State", cell: (code) => stateTexts[codeState(code, now)] },
    { header: "Roll-out", cell: (code) => <Rollout code={code} now={now} />, className: "max-md:hidden" },
    { header: "Uses", cell: ({ uses, max_uses }) => <span className="tabular">{`${uses} of ${max_uses}`}</span> },
    { header: "Expires", cell: ({ expires_at }) => <Timestamp at={expires_at} relative />, className: "max-sm:hidden" },
    { header: "Made", cell: ({ created_at }) => <Timestamp at={created_at} relative />, className: "max-md:hidden" },
    {
      header: "Actions",
      quiet: true,
      align: "end",
      cell: (code) =>
        codeState(code, now) === "usable" ? (
          <span className="inline-flex gap-2">
            <Button
              size="sm"
              variant="secondary"
              onClick={() => setRollingOut(code)}
              aria-label={`Roll out with ${code.name}`}
            >
              Roll out
            </Button>
            <Button
              size="sm"
              variant="secondary-destructive"
              onClick={() => setRevoking(code)}
              aria-label={`Revoke ${code.name}`}
            >
              Revoke
            </Button>
          </span>
        ) : null,
    },
  ];
  return (
    <>
      <PageHeader
        title="Enrol devices"
        lead="A machine joins with a code. Codes are shown once; only their hash is kept."
        actions={
          <Button icon={PlusIcon} onClick={() => setMaking(true)}>
            New code
          </Button>
        }
      />
      <section
        aria-labelledby="one-machine"
        className="mb-6 rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline sm:p-5"
      >
        <h2 id="one-machine" className="font-semibold">
          One machine, now
        </h2>
        <p className="mb-3 text-kumo-subtle">
          Make a code for one hour and one device, and run the commands on the machine.
        </p>
        <EnrollInstructions />
      </section>
      <h2 className="mb-2 font-semibold">Codes</h2>
      <QueryView query={query} label="Loading enrolment codes" rows={3}>
        {items.length === 0 ? (
          <EmptyState icon={<KeyIcon className="size-8" />} title="No codes yet">
            <p>Codes made here or above are listed with their uses.</p>
          </EmptyState>
        ) : (
          <DataTable label="Enrolment codes" columns={columns} rows={items} rowKey={({ id }) => id} />
        )}
        <LoadMore query={query} />
      </QueryView>
      <RolloutDialog code={rollingOut} onClose={() => setRollingOut(null)} />
      <NewCodeDialog open={making} onClose={() => setMaking(false)} />
      <ConfirmDialog
        open={revoking !== null}
        title="Revoke this code?"
        confirm="Revoke code"
        destructive
        onClose={() => setRevoking(null)}
        onConfirm={async () => {
          if (revoking !== null) await revokeEnrollmentCode(org.id, revoking.id);
          await refresh();
        }}
      >
        <p>No further device can enrol with “{revoking?.name}”. Devices that already did stay.</p>
      </ConfirmDialog>
    </>
  );
}

/** The window as it is while it is open. */
function Rollout({ code, now }: { readonly code: EnrollmentCode; readonly now: number }) {
  if (code.rollout === null || Date.parse(code.rollout.until) <= now) return null;
  return (
    <span className="tabular">
      {`${code.rollout.per_minute} a minute, ends `}
      <Timestamp at={code.rollout.until} relative />
    </span>
  );
}
