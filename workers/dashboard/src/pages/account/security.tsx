import { useQuery } from "@tanstack/react-query";
import { getSecurity, securityKey } from "../../api/account.ts";
import type { Me } from "../../api/schemas.ts";
import { PageHeader } from "../../components/page-header.tsx";
import { PlainFrame } from "../../components/plain-frame.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { SessionGate } from "../../components/session-gate.tsx";
import { EmailSection } from "./email-section.tsx";
import { IdentitiesSection } from "./identities-section.tsx";
import { PasskeysSection } from "./passkeys-section.tsx";
import { PasswordSection } from "./password-section.tsx";
import { RecoverySection } from "./recovery-section.tsx";
import { SessionsSection } from "./sessions-section.tsx";
import { TotpSection } from "./totp-section.tsx";

/** What proves that somebody is who they say, and where they are signed in. */
export function AccountSecurityPage() {
  return <SessionGate>{(me) => <AccountSecurity me={me} />}</SessionGate>;
}

function AccountSecurity({ me }: { readonly me: Me }) {
  const security = useQuery({ queryKey: securityKey, queryFn: ({ signal }) => getSecurity(signal) });
  return (
    <PlainFrame user={me.user}>
      <PageHeader title="Account security" lead={`How you sign in as ${me.user.email}, and where you are`} />
      <div className="grid gap-4">
        <QueryView query={security} label="Loading your account’s security" rows={4}>
          {security.data !== undefined && (
            <div className="grid gap-4">
              <PasskeysSection first={security.data.passkeys === 0} />
              <TotpSection security={security.data} />
              <RecoverySection security={security.data} />
              <PasswordSection security={security.data} email={me.user.email} />
              <EmailSection email={me.user.email} />
            </div>
          )}
        </QueryView>
        <IdentitiesSection />
        <SessionsSection />
      </div>
    </PlainFrame>
  );
}
