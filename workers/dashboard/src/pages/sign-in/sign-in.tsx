import { useState } from "react";
import { useParams, useSearchParams } from "react-router";
import type { Challenge, Door } from "../../api/sign-in.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { returnPath } from "../../components/return-path.ts";
import { TextLink } from "../../components/text-link.tsx";
import { useArrival } from "./arrival.ts";
import { FirstStep } from "./first-step.tsx";
import { Providers } from "./providers.tsx";
import { SecondStep } from "./second-step.tsx";

/** The platform's door, and that of an organisation at `/o/{org}/sign-in`. */
export function SignInPage() {
  const { org } = useParams();
  // Another door is another sign-in: nothing typed or begun at the first belongs to the second.
  return <SignIn key={org ?? ""} door={org ?? null} />;
}

function SignIn({ door }: { readonly door: Door }) {
  const [search] = useSearchParams();
  const wanted = search.get("next") ?? (door === null ? null : `/o/${door}`);
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [email, setEmail] = useState("");
  const arrive = useArrival(wanted);
  if (challenge !== null) {
    return (
      <AuthFrame title="One more step" lead="Your account asks for a second factor.">
        <SecondStep
          door={door}
          email={email}
          challenge={challenge}
          onDone={arrive}
          onRestart={() => setChallenge(null)}
        />
      </AuthFrame>
    );
  }
  const next = search.get("next");
  const elsewhere = next === null ? "/sign-in" : `/sign-in?next=${encodeURIComponent(returnPath(next))}`;
  return (
    <AuthFrame
      title={door === null ? "Sign in" : `Sign in to ${door}`}
      lead="Watch and manage your organisation’s devices."
      footer={
        door === null ? (
          <>
            New here?{" "}
            <TextLink to="/register" className="underline">
              Create an account
            </TextLink>
          </>
        ) : (
          <>
            Not a member here?{" "}
            <TextLink to={elsewhere} className="underline">
              Sign in to your account
            </TextLink>
          </>
        )
      }
    >
      <FirstStep door={door} email={email} onEmail={setEmail} fillIn onDone={arrive} onChallenge={setChallenge} />
      <Providers door={door} returnTo={returnPath(wanted)} />
    </AuthFrame>
  );
}
