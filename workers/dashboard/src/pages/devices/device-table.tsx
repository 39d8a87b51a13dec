import type { Device } from "../../api/schemas.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { PresenceBadge } from "../../components/presence-badge.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { Timestamp } from "../../components/timestamp.tsx";

export function DeviceTable({ rows, root }: { readonly rows: readonly Device[]; readonly root: string }) {
  const columns: readonly Column<Device>[] = [
    {
      header: "Name",
      cell: (device) => (
        <div className="min-w-0">
          <TextLink to={`${root}/devices/${device.id}`} className="font-medium break-words">
            {device.name}
          </TextLink>
          <p className="font-mono text-xs text-kumo-subtle max-sm:hidden">{device.id}</p>
        </div>
      ),
    },
    { header: "Status", cell: (device) => <PresenceBadge online={device.online} /> },
    { header: "Platform", cell: (device) => device.platform, className: "max-md:hidden" },
    {
      header: "Last seen",
      cell: (device) => (device.online ? "Now" : <Timestamp at={device.last_seen_at} relative />),
      className: "max-sm:hidden",
    },
    {
      header: "Enrolled",
      cell: (device) => <Timestamp at={device.enrolled_at} relative />,
      className: "max-lg:hidden",
    },
  ];
  return <DataTable label="Devices" columns={columns} rows={rows} rowKey={({ id }) => id} />;
}
