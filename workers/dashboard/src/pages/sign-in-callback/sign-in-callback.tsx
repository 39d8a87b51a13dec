import { LinkButton } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import {
  type Challenge,
  challengeOf,
  finishWithProvider,
  type LinkOffer,
  linkOfferOf,
  type ProviderReturn,
} from "../../api/sign-in.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { FormFailure, Loading } from "../../components/states.tsx";
import { useArrival } from "../sign-in/arrival.ts";
import { readDeparture } from "../sign-in/departure.ts";
import { SecondStep } from "../sign-in/second-step.tsx";
import { LinkAccount } from "./link-account.tsx";
import { type Returned, readReturn, wasCancelled } from "./read-return.ts";

/**
 * Reads the address once and cleans it before anything else is loaded or drawn: the code is good once,
 * but a history or a screenshot need not keep it.
 */
function takeReturn(): Returned {
  const returned = readReturn(window.location.search);
  window.history.replaceState(window.history.state, "", window.location.pathname);
  return returned;
}

export function SignInCallbackPage() {
  const [taken] = useState(takeReturn);
  if (taken.kind === "returned") return <Finish returned={taken.returned} />;
  return <Stopped>This address is incomplete. Start the sign-in again.</Stopped>;
}

function Finish({ returned }: { readonly returned: ProviderReturn }) {
  const [departure] = useState(readDeparture);
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [offer, setOffer] = useState<LinkOffer | null>(null);
  const arrive = useArrival(departure.returnTo);
  const work = useMutation({
    mutationFn: async () => {
      await finishWithProvider(departure.door, returned);
      await arrive();
    },
    onError: (error) => {
      setChallenge(challengeOf(error));
      setOffer(linkOfferOf(error));
    },
  });
  const begun = useRef(false);
  useEffect(() => {
    // The code is good once, and effects run twice in development.
    if (begun.current) return;
    begun.current = true;
    work.mutate();
  }, [work.mutate]);
  if (challenge !== null) {
    return (
      <AuthFrame title="One more step" lead="Your account asks for a second factor.">
        <SecondStep
          door={departure.door}
          email=""
          challenge={challenge}
          onDone={arrive}
          onRestart={() => window.location.assign("/sign-in")}
        />
      </AuthFrame>
    );
  }
  if (offer !== null) return <LinkAccount offer={offer} returnTo={departure.returnTo} />;
  if (work.error !== null) {
    return (
      <Stopped>
        {wasCancelled(returned) ? "The sign-in was cancelled at the provider." : <FormFailure error={work.error} />}
      </Stopped>
    );
  }
  return (
    <AuthFrame title="Signing you in">
      <Loading label="Signing you in" rows={1} />
    </AuthFrame>
  );
}

function Stopped({ children }: { readonly children: React.ReactNode }) {
  return (
    <AuthFrame title="Not signed in">
      <div>{children}</div>
      <LinkButton href="/sign-in" variant="primary" className="w-full justify-center">
        Back to sign-in
      </LinkButton>
    </AuthFrame>
  );
}
