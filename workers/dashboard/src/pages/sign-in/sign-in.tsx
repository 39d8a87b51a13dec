import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { meKey, signIn } from "../../api/auth.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { returnPath } from "../../components/return-path.ts";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

export function SignInPage() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: () => signIn(email.trim(), password),
    onSuccess: async (me) => {
      client.clear();
      client.setQueryData(meKey, me);
      const next = returnPath(search.get("next"));
      const only = me.orgs.length === 1 ? me.orgs[0] : undefined;
      await navigate(next === "/" && only !== undefined ? `/o/${only.slug}` : next, { replace: true });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate();
  };
  return (
    <AuthFrame
      title="Sign in"
      lead="Watch and manage your organisation’s devices."
      footer={
        <>
          New here?{" "}
          <TextLink to="/register" className="underline">
            Create an account
          </TextLink>
        </>
      }
    >
      <form onSubmit={submit} className="grid gap-4">
        <Input
          label="E-mail"
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Input
          label="Password"
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <FormFailure error={work.error} />
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Sign in
        </Button>
      </form>
    </AuthFrame>
  );
}
