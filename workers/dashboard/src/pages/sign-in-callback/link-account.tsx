import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { linkIdentity } from "../../api/account.ts";
import { meKey, useMe, welcome } from "../../api/auth.ts";
import type { Challenge, LinkOffer } from "../../api/sign-in.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { returnPath } from "../../components/return-path.ts";
import { FormFailure, PageLoading } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { FirstStep } from "../sign-in/first-step.tsx";
import { SecondStep } from "../sign-in/second-step.tsx";

/**
 * An outside identity with the address of an account that exists. Whoever holds the address elsewhere is
 * not thereby the account's holder: they sign in to the account first, and then say yes.
 */
export function LinkAccount({ offer, returnTo }: { readonly offer: LinkOffer; readonly returnTo: string }) {
  const me = useMe();
  if (me.isPending) return <PageLoading />;
  const here = me.data?.user.email.toLowerCase() === offer.email.toLowerCase();
  return here ? <Consent offer={offer} returnTo={returnTo} /> : <SignInFirst offer={offer} />;
}

function SignInFirst({ offer }: { readonly offer: LinkOffer }) {
  const client = useQueryClient();
  const [email, setEmail] = useState(offer.email);
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const here = async (): Promise<void> => {
    await welcome(client);
  };
  return (
    <AuthFrame
      title="You have an account already"
      lead={
        <>
          {offer.providerName} says that <strong className="break-all">{offer.email}</strong> is you, and an account
          with this address exists. Sign in to it once as you did before; then you can link the two.
        </>
      }
      footer={
        <TextLink to="/sign-in" className="underline">
          Don’t link, back to sign-in
        </TextLink>
      }
    >
      {challenge === null ? (
        <FirstStep door={null} email={email} onEmail={setEmail} onDone={here} onChallenge={setChallenge} />
      ) : (
        <SecondStep
          door={null}
          email={email}
          challenge={challenge}
          onDone={here}
          onRestart={() => setChallenge(null)}
        />
      )}
    </AuthFrame>
  );
}

function Consent({ offer, returnTo }: { readonly offer: LinkOffer; readonly returnTo: string }) {
  const navigate = useNavigate();
  const leave = (): void => void navigate(returnPath(returnTo), { replace: true });
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: () => linkIdentity(offer.challenge),
    onSuccess: async () => {
      // A provider's rule may have made them a member.
      await client.invalidateQueries({ queryKey: meKey });
      leave();
    },
  });
  return (
    <AuthFrame title={`Link ${offer.providerName}?`}>
      <p>
        From then on, whoever signs in at {offer.providerName} as <strong className="break-all">{offer.email}</strong>{" "}
        gets into your Sentinel account. You can undo it in your account’s security settings.
      </p>
      <FormFailure error={work.error} />
      <Button
        variant="primary"
        size="lg"
        loading={work.isPending}
        onClick={() => work.mutate()}
        className="w-full justify-center"
      >
        Link the two
      </Button>
      <Button disabled={work.isPending} onClick={leave} className="w-full justify-center">
        Don’t link
      </Button>
    </AuthFrame>
  );
}
