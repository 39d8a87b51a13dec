import { Button } from "@cloudflare/kumo/components/button";
import { FingerprintIcon } from "@phosphor-icons/react/Fingerprint";
import { ShieldCheckIcon } from "@phosphor-icons/react/ShieldCheck";
import { useState } from "react";
import { isConfined, useSecurity } from "../api/account.ts";
import type { Me, Membership } from "../api/schemas.ts";
import { stepUp } from "../api/step-up.ts";
import { passkeysWork } from "../api/webauthn.ts";
import { AddPasskeyDialog } from "../pages/account/add-passkey-dialog.tsx";
import { TotpDialog } from "../pages/account/totp-dialog.tsx";
import { ConfinedNotice } from "./confined-notice.tsx";
import { OtherOrganisations } from "./other-organisations.tsx";
import { PageHeader } from "./page-header.tsx";
import { PlainFrame } from "./plain-frame.tsx";

/** In the place of an organisation that asks for a second factor, from somebody who has not shown one. */
export function FactorWall(props: {
  readonly me: Me;
  readonly org: Membership;
  /** `enrol`: they have none yet. `prove`: they have one. */
  readonly kind: "enrol" | "prove";
}) {
  const { me, org, kind } = props;
  const security = useSecurity();
  return (
    <PlainFrame user={me.user}>
      <PageHeader
        title={kind === "enrol" ? "Set up a second factor" : "Show your second factor"}
        lead={`${org.name} asks its members for more than a password.`}
      />
      {kind === "prove" ? <Prove /> : isConfined(security.error) ? <ConfinedNotice /> : <Enrol />}
      <OtherOrganisations me={me} />
    </PlainFrame>
  );
}

function Enrol() {
  const [open, setOpen] = useState<"passkey" | "totp" | null>(null);
  return (
    <div className="grid gap-3 rounded-xl bg-kumo-base p-5 ring ring-kumo-hairline">
      <p>
        Once you have one of these, you see the organisation again. You also get recovery codes, for the day you lose
        it.
      </p>
      {passkeysWork() && (
        <Button
          variant="primary"
          size="lg"
          icon={FingerprintIcon}
          onClick={() => setOpen("passkey")}
          className="w-full justify-center"
        >
          Add a passkey
        </Button>
      )}
      <Button size="lg" icon={ShieldCheckIcon} onClick={() => setOpen("totp")} className="w-full justify-center">
        Set up an authenticator app
      </Button>
      {open === "passkey" && <AddPasskeyDialog onClose={() => setOpen(null)} />}
      {open === "totp" && <TotpDialog onClose={() => setOpen(null)} />}
    </div>
  );
}

/** The dialog that asks for the proof reads anew who is here, and with that the wall goes. */
function Prove() {
  return (
    <div className="grid gap-3 rounded-xl bg-kumo-base p-5 ring ring-kumo-hairline">
      <p>You signed in without it this time. Show it now, and you are in.</p>
      <Button variant="primary" size="lg" onClick={() => void stepUp.prove("person")} className="w-full justify-center">
        Continue
      </Button>
    </div>
  );
}
