import { ShieldWarningIcon } from "@phosphor-icons/react/ShieldWarning";
import { useOrg } from "./org-context.tsx";
import { TextLink } from "./text-link.tsx";
import { Timestamp } from "./timestamp.tsx";

/** Until the policy's date nobody is shut out, and everybody who will be is told on every page. */
export function GraceBanner({ until }: { readonly until: string }) {
  const { org } = useOrg();
  return (
    <aside
      aria-label="Second factor needed soon"
      className="mb-5 flex gap-3 rounded-xl bg-kumo-warning-tint p-4 ring ring-kumo-warning/40"
    >
      <ShieldWarningIcon aria-hidden="true" className="mt-0.5 size-5 shrink-0" />
      <p className="min-w-0">
        From <Timestamp at={until} /> on, {org.name} asks its members for a second factor.{" "}
        <TextLink to="/account/security" className="font-medium underline">
          Set one up now
        </TextLink>
        , or you lose sight of it then.
      </p>
    </aside>
  );
}
