import { LinkButton } from "@cloudflare/kumo/components/button";
import { TextLink } from "./text-link.tsx";

/**
 * For a session that an organisation's own identity provider opened: it counts in that organisation alone and
 * changes nothing of the person's account, for the organisation's administrators choose the provider.
 */
export function ConfinedNotice() {
  return (
    <div className="grid justify-items-start gap-3 rounded-xl bg-kumo-base p-5 ring ring-kumo-hairline">
      <p>
        You came through an organisation’s identity provider. That lets you into this organisation, and changes nothing
        of your own account. Sign in to the account itself first.
      </p>
      <LinkButton href="/sign-in?next=/account/security" variant="primary">
        Sign in to your account
      </LinkButton>
      <p className="text-kumo-subtle">
        No password yet?{" "}
        <TextLink to="/forgot-password" className="underline">
          Have a link mailed that sets one
        </TextLink>
        .
      </p>
    </div>
  );
}
