import { LinkButton } from "@cloudflare/kumo/components/button";
import { ExportIcon } from "@phosphor-icons/react/Export";
import { type ExportSource, sourcePermissions } from "../../../../core/exports/job.ts";
import { useOrg } from "./org-context.tsx";

/** Leads to the form that asks for an export of this; nothing for whoever may not make one. */
export function ExportLink({ source, device }: { readonly source: ExportSource; readonly device?: string }) {
  const { root, may } = useOrg();
  if (!may("exports:make") || !may(sourcePermissions[source])) return null;
  const search = new URLSearchParams({ new: source, ...(device === undefined ? {} : { device }) });
  return (
    <LinkButton href={`${root}/exports?${search}`} icon={ExportIcon}>
      Export
    </LinkButton>
  );
}
