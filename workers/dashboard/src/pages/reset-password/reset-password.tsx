import { Button, LinkButton } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { isProblem, problemOf } from "../../api/problem.ts";
import { resetPassword, type SecondProof } from "../../api/sign-in.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { useFragmentToken } from "../../components/fragment-token.ts";
import { IncompleteLink } from "../../components/incomplete-link.tsx";
import { NewPassword } from "../../components/new-password.tsx";
import { ProofForm } from "../../components/proof-form.tsx";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { resetWays } from "./reset-ways.ts";

export function ResetPasswordPage() {
  const token = useFragmentToken();
  // Another link is another try.
  return <ResetPassword key={token} token={token} />;
}

function ResetPassword({ token }: { readonly token: string | null }) {
  const [password, setPassword] = useState("");
  /** The refusal that asked for a second factor; wrong codes after it don't take the question away. */
  const [asked, setAsked] = useState<unknown>(null);
  const work = useMutation({
    mutationFn: (proof: SecondProof | Record<never, never>) => resetPassword(token ?? "", password, proof),
    onError: (error) => {
      if (isProblem(error, "mfa_required")) setAsked(error);
    },
  });
  const back = (
    <TextLink to="/forgot-password" className="underline">
      Ask for a new link
    </TextLink>
  );
  if (work.isSuccess) return <Done />;
  if (token === null) return <IncompleteLink title="Set a new password" footer={back} />;
  if (asked !== null) {
    return (
      <AuthFrame
        title="One more step"
        lead="Your account has a second factor: the link alone is not enough."
        footer={back}
      >
        <ProofForm
          ways={resetWays(problemOf(asked))}
          submit="Set password"
          pending={work.isPending}
          error={isProblem(work.error, "mfa_required") ? null : work.error}
          onTyped={(proof) => !("password" in proof) && work.mutate(proof)}
          onPasskey={() => undefined}
        />
      </AuthFrame>
    );
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate({});
  };
  return (
    <AuthFrame title="Set a new password" footer={back}>
      <form onSubmit={submit} className="grid gap-4">
        <NewPassword label="New password" value={password} onChange={setPassword} />
        <FormFailure error={work.error} />
        {isProblem(work.error, "invalid_token") && <p>A link works once and for a short time.</p>}
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Set password
        </Button>
      </form>
    </AuthFrame>
  );
}

function Done() {
  return (
    <AuthFrame title="Your password is set">
      <p role="status">You were signed out everywhere. Sign in with the new password.</p>
      <LinkButton href="/sign-in" variant="primary" className="w-full justify-center">
        Sign in
      </LinkButton>
    </AuthFrame>
  );
}
