import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { register } from "../../api/auth.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { NewPassword } from "../../components/new-password.tsx";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

export function RegisterPage() {
  const [input, setInput] = useState({ name: "", email: "", password: "" });
  const work = useMutation({
    mutationFn: () => register({ ...input, email: input.email.trim(), name: input.name.trim() }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate();
  };
  if (work.isSuccess) {
    return (
      <AuthFrame
        title="Check your e-mail"
        footer={
          <TextLink to="/sign-in" className="underline">
            Back to sign-in
          </TextLink>
        }
      >
        <p role="status">
          If <strong>{input.email.trim()}</strong> can be registered, a message is on its way to it. Open its link to
          finish.
        </p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame
      title="Create an account"
      footer={
        <>
          Already have one?{" "}
          <TextLink to="/sign-in" className="underline">
            Sign in
          </TextLink>
        </>
      }
    >
      <form onSubmit={submit} className="grid gap-4">
        <Input
          label="Name"
          name="name"
          autoComplete="name"
          required
          value={input.name}
          onChange={(event) => setInput({ ...input, name: event.target.value })}
        />
        <Input
          label="E-mail"
          type="email"
          name="email"
          autoComplete="email"
          required
          value={input.email}
          onChange={(event) => setInput({ ...input, email: event.target.value })}
        />
        <NewPassword
          label="Password"
          value={input.password}
          onChange={(password) => setInput({ ...input, password })}
        />
        <FormFailure error={work.error} />
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Create account
        </Button>
      </form>
    </AuthFrame>
  );
}
