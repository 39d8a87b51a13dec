import { Button, LinkButton } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { verifyEmail } from "../../api/auth.ts";
import { problemOf } from "../../api/problem.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { useFragmentToken } from "../../components/fragment-token.ts";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

export function VerifyEmailPage() {
  const token = useFragmentToken();
  // Another link is another try: what became of the one before says nothing about it.
  return <VerifyEmail key={token} token={token} />;
}

/** A button rather than a deed on opening: programs that preview links must not use the token up. */
function VerifyEmail({ token }: { readonly token: string | null }) {
  const work = useMutation({ mutationFn: () => verifyEmail(token ?? "") });
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
  if (token === null) {
    return (
      <AuthFrame title="Verify your e-mail" footer={back}>
        <p>This link is incomplete. Open the newest one from your e-mail, whole.</p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Verify your e-mail" footer={back}>
      <p>One click proves that this address is yours.</p>
      <FormFailure error={work.error} />
      {work.error !== null && problemOf(work.error).status === 401 && (
        <p>
          A link works once and for 24 hours. If the address is verified already, just sign in; if not, register again.
        </p>
      )}
      <Button
        variant="primary"
        size="lg"
        loading={work.isPending}
        onClick={() => work.mutate()}
        className="w-full justify-center"
      >
        Verify e-mail
      </Button>
    </AuthFrame>
  );
}
