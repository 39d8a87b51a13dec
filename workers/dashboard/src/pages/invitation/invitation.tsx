import { Button, LinkButton } from "@cloudflare/kumo/components/button";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { acceptInvitation, meKey, useMe } from "../../api/auth.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { readFragmentToken } from "../../components/fragment-token.ts";
import { IncompleteLink } from "../../components/incomplete-link.tsx";
import { FormFailure, PageLoading } from "../../components/states.tsx";

/** Where the token waits while its holder signs in: this tab only, never an address a server sees. */
const waitingKey = "sentinel.invitation";

function takeToken(): string | null {
  const token = readFragmentToken(window.location.hash) ?? sessionStorage.getItem(waitingKey);
  if (token !== null) sessionStorage.setItem(waitingKey, token);
  window.history.replaceState(window.history.state, "", window.location.pathname);
  return token;
}

export function InvitationPage() {
  const [token] = useState(takeToken);
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const work = useMutation({
    mutationFn: () => acceptInvitation(token ?? ""),
    onSuccess: async (slug) => {
      sessionStorage.removeItem(waitingKey);
      await client.invalidateQueries({ queryKey: meKey });
      await navigate(slug === null ? "/" : `/o/${slug}`, { replace: true });
    },
  });
  if (me.isPending) return <PageLoading />;
  if (token === null) return <IncompleteLink title="Invitation" />;
  if (me.data == null) {
    return (
      <AuthFrame title="Invitation" lead="You are invited to join an organisation.">
        <p>Sign in with the invited address first, or create an account with it and then open this link again.</p>
        <LinkButton href="/sign-in?next=/invitation" variant="primary" className="w-full justify-center">
          Sign in
        </LinkButton>
        <LinkButton href="/register" className="w-full justify-center">
          Create an account
        </LinkButton>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Invitation" lead="You are invited to join an organisation.">
      <p>
        You are signed in as <strong>{me.data.user.email}</strong>.
      </p>
      <FormFailure error={work.error} />
      <Button
        variant="primary"
        size="lg"
        loading={work.isPending}
        onClick={() => work.mutate()}
        className="w-full justify-center"
      >
        Accept invitation
      </Button>
    </AuthFrame>
  );
}
