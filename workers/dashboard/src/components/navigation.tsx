import { DesktopTowerIcon } from "@phosphor-icons/react/DesktopTower";
import { ListChecksIcon } from "@phosphor-icons/react/ListChecks";
import { PlugsConnectedIcon } from "@phosphor-icons/react/PlugsConnected";
import { StackIcon } from "@phosphor-icons/react/Stack";
import { UsersIcon } from "@phosphor-icons/react/Users";
import { NavLink } from "react-router";
import type { Permission } from "../../../../core/tenancy/roles.ts";
import { useOrg } from "./org-context.tsx";

const entries = [
  { to: "", label: "Devices", icon: DesktopTowerIcon, needs: "devices:read" },
  { to: "/enroll", label: "Enrol devices", icon: PlugsConnectedIcon, needs: "enrollment:manage" },
  { to: "/groups", label: "Groups", icon: StackIcon, needs: "groups:read" },
  { to: "/members", label: "Members", icon: UsersIcon, needs: "members:read" },
  { to: "/audit", label: "Audit log", icon: ListChecksIcon, needs: "audit:read" },
] as const satisfies readonly { to: string; label: string; icon: unknown; needs: Permission }[];

/** The organisation's pages this role has a use for. */
export function Navigation({ onNavigate }: { readonly onNavigate?: () => void }) {
  const { root, may } = useOrg();
  return (
    <nav aria-label="Organisation">
      <ul className="grid gap-0.5">
        {entries
          .filter(({ needs }) => may(needs))
          .map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <NavLink
                to={root + to}
                end={to === ""}
                onClick={() => onNavigate?.()}
                className="flex items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-kumo-subtle hover:bg-kumo-tint hover:text-kumo-default aria-[current=page]:bg-kumo-tint aria-[current=page]:font-medium aria-[current=page]:text-kumo-default"
              >
                <Icon aria-hidden="true" className="size-4.5 shrink-0" />
                {label}
              </NavLink>
            </li>
          ))}
      </ul>
    </nav>
  );
}
