import { Button, LinkButton } from "@cloudflare/kumo/components/button";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { meKey } from "../../api/auth.ts";
import { isProblem } from "../../api/problem.ts";
import { confirmEmail } from "../../api/sign-in.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { useFragmentToken } from "../../components/fragment-token.ts";
import { IncompleteLink } from "../../components/incomplete-link.tsx";
import { FormFailure } from "../../components/states.tsx";

export function ConfirmEmailPage() {
  const token = useFragmentToken();
  return <ConfirmEmail key={token} token={token} />;
}

/** A button rather than a deed on opening: programs that preview links must not use the token up. */
function ConfirmEmail({ token }: { readonly token: string | null }) {
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: () => confirmEmail(token ?? ""),
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
  if (work.isSuccess) {
    return (
      <AuthFrame title={work.data === "changed" ? "Your e-mail is changed" : "Confirmed"}>
        <p role="status">
          {work.data === "changed"
            ? "Both addresses have agreed: the new one signs you in from now on."
            : "Thank you. Now the other address must agree too: open the link that was sent to it."}
        </p>
        <LinkButton href="/account/security" variant="primary" className="w-full justify-center">
          To your account
        </LinkButton>
      </AuthFrame>
    );
  }
  if (token === null) return <IncompleteLink title="Confirm the change of e-mail" />;
  return (
    <AuthFrame title="Confirm the change of e-mail">
      <p>
        Confirm only if you asked for it yourself. If you did not, close this page and change your password: somebody
        else may know it.
      </p>
      <FormFailure error={work.error} />
      {isProblem(work.error, "invalid_token") && <p>A link works once and for a short time.</p>}
      <Button
        variant="primary"
        size="lg"
        loading={work.isPending}
        onClick={() => work.mutate()}
        className="w-full justify-center"
      >
        Confirm
      </Button>
    </AuthFrame>
  );
}
