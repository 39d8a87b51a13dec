import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { askForReset } from "../../api/sign-in.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

export function ForgotPasswordPage() {
  const [email, setEmail] = useState("");
  const work = useMutation({ mutationFn: () => askForReset(null, email.trim()) });
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
      <AuthFrame title="Check your e-mail" footer={back}>
        {/* The same words whoever it is: the page must not tell who has an account. */}
        <p role="status">
          If <strong className="break-all">{email.trim()}</strong> has an account, a message is on its way to it. Its
          link sets a new password.
        </p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Forgot your password?" lead="We mail you a link that sets a new one." footer={back}>
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
        <FormFailure error={work.error} />
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Send the link
        </Button>
      </form>
    </AuthFrame>
  );
}
