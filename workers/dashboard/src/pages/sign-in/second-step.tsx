import { Button } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import {
  answerChallenge,
  answerChallengeWithPasskey,
  type Challenge,
  type Door,
  type TypedProof,
} from "../../api/sign-in.ts";
import { passkeysWork } from "../../api/webauthn.ts";
import { ProofForm } from "../../components/proof-form.tsx";
import { secondWays } from "../../components/step-up-ways.ts";

/** The second factor of a sign-in, after a password or an outside identity. */
export function SecondStep(props: {
  readonly door: Door;
  readonly email: string;
  readonly challenge: Challenge;
  readonly onDone: () => Promise<void>;
  readonly onRestart: () => void;
}) {
  const { door, challenge } = props;
  const work = useMutation({
    mutationFn: async (proof: TypedProof | "passkey") => {
      if (proof === "passkey") await answerChallengeWithPasskey(door, challenge.challenge);
      else if (!("password" in proof)) await answerChallenge(door, challenge.challenge, proof);
      await props.onDone();
    },
  });
  return (
    <>
      <ProofForm
        ways={secondWays(challenge.factors, passkeysWork())}
        submit="Sign in"
        email={props.email}
        pending={work.isPending}
        error={work.error}
        onTyped={work.mutate}
        onPasskey={() => work.mutate("passkey")}
      />
      <Button variant="ghost" disabled={work.isPending} onClick={props.onRestart} className="w-full justify-center">
        Start again
      </Button>
    </>
  );
}
