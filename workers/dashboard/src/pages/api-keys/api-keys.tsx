import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { KeyIcon } from "@phosphor-icons/react/Key";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { roleNames } from "../../access.ts";
import { type ApiKey, apiKeysKey, listApiKeys, revokeApiKey } from "../../api/api-keys.ts";
import { listMembers } from "../../api/orgs.ts";
import { usePages } from "../../api/pages.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { EmptyState } from "../../components/states.tsx";
import { Timestamp, useNow } from "../../components/timestamp.tsx";
import { membersKey } from "../members/members-key.ts";
import { keyState } from "./key-state.ts";
import { NewKeyDialog } from "./new-key-dialog.tsx";

export function ApiKeysPage() {
  const { org } = useOrg();
  const client = useQueryClient();
  const now = useNow();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const key = apiKeysKey(org.id);
  const { query, items } = usePages(key, (cursor, signal) => listApiKeys(org.id, cursor, signal));
  const members = usePages(membersKey(org.id), (cursor, signal) => listMembers(org.id, cursor, signal));
  const names = new Map(members.items.map(({ user_id, name }) => [user_id, name]));
  const create = (
    <Button variant="primary" icon={PlusIcon} onClick={() => setCreating(true)}>
      New API key
    </Button>
  );
  return (
    <>
      <PageHeader
        title="API keys"
        lead={`Programs that act in ${org.name}, each with a role of its own`}
        actions={items.length > 0 ? create : undefined}
      />
      <QueryView query={query} label="Loading API keys" rows={3}>
        {items.length === 0 ? (
          <EmptyState icon={<KeyIcon className="size-8" />} title="No API keys yet">
            <p>A key lets a program call the API or speak MQTT as a member would, until it expires.</p>
            {create}
          </EmptyState>
        ) : (
          <DataTable label="API keys" columns={columns(names, now, setRevoking)} rows={items} rowKey={({ id }) => id} />
        )}
        <LoadMore query={query} />
      </QueryView>
      {creating && <NewKeyDialog onClose={() => setCreating(false)} />}
      <ConfirmDialog
        open={revoking !== null}
        title={`Revoke ${revoking?.name ?? "key"}?`}
        confirm="Revoke key"
        destructive
        onClose={() => setRevoking(null)}
        onConfirm={async () => {
          if (revoking !== null) await revokeApiKey(org.id, revoking.id);
          await client.invalidateQueries({ queryKey: key });
        }}
      >
        <p>Programs that use it are refused and their connections closed at once. It can’t be brought back.</p>
      </ConfirmDialog>
    </>
  );
}

function columns(
  names: ReadonlyMap<string, string>,
  now: number,
  revoke: (key: ApiKey) => void,
): readonly Column<ApiKey>[] {
  const maker = (id: string | null): string => (id === null ? "erased" : (names.get(id) ?? id));
  return [
    {
      header: "Name",
      cell: (key) => (
        <div className="min-w-0">
          <p className="font-medium break-words">{key.name}</p>
          <p className="font-mono text-xs text-kumo-subtle">{key.prefix}…</p>
        </div>
      ),
    },
    { header: "Role", cell: ({ role }) => roleNames[role].label },
    {
      header: "Made",
      cell: ({ created_by, created_at }) => (
        <>
          <p className="break-words">{maker(created_by)}</p>
          <p className="text-xs text-kumo-subtle">
            <Timestamp at={created_at} relative />
          </p>
        </>
      ),
      className: "max-lg:hidden",
    },
    {
      header: "Last used",
      cell: ({ last_used_at }) =>
        last_used_at === null ? (
          <span className="text-kumo-subtle">Never</span>
        ) : (
          <Timestamp at={last_used_at} relative />
        ),
      className: "max-md:hidden",
    },
    {
      header: "Expires",
      cell: (key) => <Expiry apiKey={key} now={now} />,
    },
    {
      header: "Actions",
      quiet: true,
      align: "end",
      cell: (key) =>
        keyState(key, now) === "revoked" ? null : (
          <Button
            size="sm"
            variant="secondary-destructive"
            onClick={() => revoke(key)}
            aria-label={`Revoke ${key.name}`}
          >
            Revoke
          </Button>
        ),
    },
  ];
}

function Expiry({ apiKey, now }: { readonly apiKey: ApiKey; readonly now: number }) {
  const state = keyState(apiKey, now);
  if (state === "revoked") return <Badge variant="error">Revoked</Badge>;
  if (state === "expired") return <Badge variant="secondary">Expired</Badge>;
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <Timestamp at={apiKey.expires_at} relative />
      {state === "expiring" && <Badge variant="warning">Soon</Badge>}
    </span>
  );
}
