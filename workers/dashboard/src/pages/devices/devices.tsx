import { Button, LinkButton } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { DesktopTowerIcon } from "@phosphor-icons/react/DesktopTower";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { devicesKey, listDevices } from "../../api/devices.ts";
import { usePages } from "../../api/pages.ts";
import { ExportLink } from "../../components/export-link.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Segmented } from "../../components/segmented.tsx";
import { EmptyState } from "../../components/states.tsx";
import { usePresence } from "../../live/use-presence.ts";
import { EnrollInstructions } from "../enroll/enroll-instructions.tsx";
import { filterDevices, type PresenceFilter, withPresence } from "./device-rows.ts";
import { DeviceTable } from "./device-table.tsx";

/** New devices are seen at once by those who may subscribe to all; this is for the others. */
const refreshMs = 30_000;

export function DevicesPage() {
  const { org, role, root, may } = useOrg();
  const [search, setSearch] = useState("");
  const [presence, setPresence] = useState<PresenceFilter>("all");
  const key = devicesKey(org.id);
  const { query, items } = usePages(key, (cursor, signal) => listDevices(org.id, cursor, signal), {
    refetchIntervalMs: refreshMs,
  });
  const heard = usePresence(
    org.id,
    role,
    items.map(({ id }) => id),
  );
  useRefreshOnStranger(query.isSuccess ? items.map(({ id }) => id) : null, [...heard.keys()], key);
  const rows = withPresence(items, heard);
  const shown = filterDevices(rows, search, presence);
  const online = rows.filter((row) => row.online).length;
  const enroll = may("enrollment:manage") && items.length > 0;
  return (
    <>
      <PageHeader
        title="Devices"
        lead={
          query.isSuccess && items.length > 0 ? (
            <span className="tabular">{summary(rows.length, online, query.hasNextPage)}</span>
          ) : undefined
        }
        actions={
          <>
            <ExportLink source="inventory" />
            {enroll && (
              <LinkButton href={`${root}/enroll`} variant="primary" icon={PlusIcon}>
                Enrol device
              </LinkButton>
            )}
          </>
        }
      />
      <QueryView query={query} label="Loading devices">
        {items.length === 0 ? (
          <NoDevices />
        ) : (
          <>
            <div className="mb-3 flex flex-wrap items-center gap-3">
              <div className="w-full sm:w-72">
                <Input
                  type="search"
                  aria-label="Search devices"
                  placeholder="Search by name, platform or id"
                  value={search}
                  onChange={(event) => setSearch(event.target.value)}
                  className="w-full"
                />
              </div>
              <Segmented
                legend="Presence"
                value={presence}
                onChange={setPresence}
                options={[
                  { id: "all", label: "All devices" },
                  { id: "online", label: "Online only" },
                  { id: "offline", label: "Offline only" },
                ]}
              />
            </div>
            {shown.length === 0 ? (
              <EmptyState icon={<DesktopTowerIcon className="size-8" />} title="No device matches">
                <Button
                  onClick={() => {
                    setSearch("");
                    setPresence("all");
                  }}
                >
                  Clear filters
                </Button>
              </EmptyState>
            ) : (
              <DeviceTable rows={shown} root={root} />
            )}
            <LoadMore query={query} />
          </>
        )}
      </QueryView>
    </>
  );
}

function summary(devices: number, online: number, more: boolean): string {
  return `${devices}${more ? "+" : ""} ${devices === 1 ? "device" : "devices"}, ${online} online`;
}

function NoDevices() {
  const { may } = useOrg();
  if (!may("enrollment:manage")) {
    return (
      <EmptyState icon={<DesktopTowerIcon className="size-8" />} title="No devices to see">
        <p>Devices appear here once an administrator has enrolled them and put them into one of your groups.</p>
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={<DesktopTowerIcon className="size-8" />} title="No devices yet">
      <p>Make a code, then run these commands on the machine you want to watch. It appears here by itself.</p>
      <EnrollInstructions />
    </EmptyState>
  );
}

/** A device that speaks but is not in the list was enrolled just now: read the list again. */
function useRefreshOnStranger(known: readonly string[] | null, heard: readonly string[], key: readonly string[]): void {
  const client = useQueryClient();
  const strangers = known === null ? "" : heard.filter((id) => !known.includes(id)).join(" ");
  const [org] = key.slice(1);
  useEffect(() => {
    if (strangers !== "" && org !== undefined) void client.invalidateQueries({ queryKey: devicesKey(org) });
  }, [strangers, org, client]);
}
