import { isConfined, type Security, useSecurity } from "../../api/account.ts";
import type { Me } from "../../api/schemas.ts";
import { ConfinedNotice } from "../../components/confined-notice.tsx";
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
  const security = useSecurity();
  return (
    <PlainFrame user={me.user}>
      <PageHeader title="Account security" lead={`How you sign in as ${me.user.email}, and where you are`} />
      {isConfined(security.error) ? (
        <ConfinedNotice />
      ) : (
        <QueryView query={security} label="Loading your account’s security" rows={8}>
          {security.data !== undefined && <Sections security={security.data} email={me.user.email} />}
        </QueryView>
      )}
    </PlainFrame>
  );
}

function Sections({ security, email }: { readonly security: Security; readonly email: string }) {
  return (
    <div className="grid gap-4">
      <PasskeysSection first={security.passkeys === 0} />
      <TotpSection security={security} />
      <RecoverySection security={security} />
      <PasswordSection security={security} email={email} />
      <EmailSection email={email} />
      <IdentitiesSection />
      <SessionsSection />
    </div>
  );
}
