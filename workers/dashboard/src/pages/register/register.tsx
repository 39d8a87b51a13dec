import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { register } from "../../api/auth.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

/** NIST 800-63B-4 section 3.1.1.2 for a password that stands alone. */
const passwordCharactersMin = 15;

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
  const missing = passwordCharactersMin - [...input.password].length;
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
        <Input
          label="Password"
          type="password"
          name="password"
          autoComplete="new-password"
          required
          minLength={passwordCharactersMin}
          value={input.password}
          onChange={(event) => setInput({ ...input, password: event.target.value })}
          description={
            missing > 0 && input.password !== ""
              ? `${missing} more ${missing === 1 ? "character" : "characters"}`
              : `At least ${passwordCharactersMin} characters. A few unrelated words are easy to remember.`
          }
        />
        <FormFailure error={work.error} />
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Create account
        </Button>
      </form>
    </AuthFrame>
  );
}
