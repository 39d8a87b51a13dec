import { Button, LinkButton } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { verifyEmail } from "../../api/auth.ts";
import { problemOf } from "../../api/problem.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { useFragmentToken } from "../../components/fragment-token.ts";
import { IncompleteLink } from "../../components/incomplete-link.tsx";
import { NewPassword } from "../../components/new-password.tsx";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

export function VerifyEmailPage() {
  const token = useFragmentToken();
  // Another link is another try: what became of the one before says nothing about it.
  return <VerifyEmail key={token} token={token} />;
}

/**
 * A form rather than a deed on opening: programs that preview links must not use the token up, and the
 * account has the password that is typed here, whoever registered the address.
 */
function VerifyEmail({ token }: { readonly token: string | null }) {
  const [password, setPassword] = useState("");
  const work = useMutation({ mutationFn: () => verifyEmail(token ?? "", password) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate();
  };
  const back = (
    <TextLink to="/sign-in" className="underline">
      Back to sign-in
    </TextLink>
  );
  if (work.isSuccess) {
    return (
      <AuthFrame title="Address verified">
        <p role="status">Your account is ready.</p>
        <LinkButton href="/sign-in" variant="primary" className="w-full justify-center">
          Sign in
        </LinkButton>
      </AuthFrame>
    );
  }
  if (token === null) return <IncompleteLink title="Verify your e-mail" footer={back} />;
  return (
    <AuthFrame title="Verify your e-mail" footer={back}>
      <p>Type the password that you want to sign in with, the one you registered with or another.</p>
      <form onSubmit={submit} className="grid gap-4">
        <NewPassword label="Password" value={password} onChange={setPassword} />
        <FormFailure error={work.error} />
        {work.error !== null && problemOf(work.error).status === 401 && (
          <p>
            A link works once and for 24 hours. If the address is verified already, just sign in; if not, register
            again.
          </p>
        )}
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Verify e-mail
        </Button>
      </form>
    </AuthFrame>
  );
}
