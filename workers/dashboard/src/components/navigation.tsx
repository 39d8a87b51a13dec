import { ChatCircleTextIcon } from "@phosphor-icons/react/ChatCircleText";
import { DesktopTowerIcon } from "@phosphor-icons/react/DesktopTower";
import { ExportIcon } from "@phosphor-icons/react/Export";
import { FilesIcon } from "@phosphor-icons/react/Files";
import { HardDrivesIcon } from "@phosphor-icons/react/HardDrives";
import { IdentificationBadgeIcon } from "@phosphor-icons/react/IdentificationBadge";
import { KeyIcon } from "@phosphor-icons/react/Key";
import { ListChecksIcon } from "@phosphor-icons/react/ListChecks";
import { PlugsConnectedIcon } from "@phosphor-icons/react/PlugsConnected";
import { ReceiptIcon } from "@phosphor-icons/react/Receipt";
import { ShieldCheckIcon } from "@phosphor-icons/react/ShieldCheck";
import { StackIcon } from "@phosphor-icons/react/Stack";
import { UsersIcon } from "@phosphor-icons/react/Users";
import { Link, useLocation } from "react-router";
import type { Permission } from "../../../../core/tenancy/roles.ts";
import { useOrg } from "./org-context.tsx";

const entries = [
  { to: "", label: "Devices", icon: DesktopTowerIcon, needs: "devices:read" },
  { to: "/documents", label: "Documents", icon: FilesIcon, needs: "documents:read" },
  { to: "/enroll", label: "Enrol devices", icon: PlugsConnectedIcon, needs: "enrollment:manage" },
  { to: "/groups", label: "Groups", icon: StackIcon, needs: "groups:read" },
  { to: "/members", label: "Members", icon: UsersIcon, needs: "members:read" },
  { to: "/api-keys", label: "API keys", icon: KeyIcon, needs: "api_keys:manage" },
  { to: "/security", label: "Security", icon: ShieldCheckIcon, needs: "policies:read" },
  {
    to: "/identity-providers",
    label: "Identity providers",
    icon: IdentificationBadgeIcon,
    needs: "identity_providers:manage",
  },
  { to: "/language-models", label: "Language models", icon: ChatCircleTextIcon, needs: "llm:read" },
  { to: "/exports", label: "Exports", icon: ExportIcon, needs: "exports:read" },
  { to: "/backends", label: "Backends", icon: HardDrivesIcon, needs: "backends:monitor" },
  { to: "/billing", label: "Billing", icon: ReceiptIcon, needs: "billing:manage" },
  { to: "/audit", label: "Audit log", icon: ListChecksIcon, needs: "audit:read" },
] as const satisfies readonly { to: string; label: string; icon: unknown; needs: Permission }[];

/** The organisation's pages this role has a use for. */
export function Navigation({ onNavigate }: { readonly onNavigate?: () => void }) {
  const { root, may } = useOrg();
  const { pathname } = useLocation();
  return (
    <nav aria-label="Organisation">
      <ul className="grid gap-0.5">
        {entries
          .filter(({ needs }) => may(needs))
          .map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Link
                to={root + to}
                aria-current={currentOf(root + to, below(root, to), pathname)}
                onClick={() => onNavigate?.()}
                className="flex items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-kumo-subtle hover:bg-kumo-tint hover:text-kumo-default [&[aria-current]]:bg-kumo-tint [&[aria-current]]:font-medium [&[aria-current]]:text-kumo-default"
              >
                <Icon aria-hidden="true" className="size-4.5 shrink-0" />
                {label}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}

/** Where the pages of single ones are. */
function below(root: string, to: string): string | null {
  if (to === "") return `${root}/devices/`;
  return to === "/documents" || to === "/billing" ? `${root}${to}/` : null;
}

/** `page` on the page itself, `true` on the pages below it. */
function currentOf(to: string, under: string | null, pathname: string): "page" | "true" | undefined {
  if (pathname === to) return "page";
  return under !== null && pathname.startsWith(under) ? "true" : undefined;
}
