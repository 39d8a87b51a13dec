import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { breakGlass } from "../../api/geo.ts";
import { AuthFrame } from "../../components/auth-frame.tsx";
import { FormFailure } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";

/** For whoever their own geo policy keeps out; it answers from everywhere and says nothing of any code. */
export function BreakGlassPage() {
  const [org, setOrg] = useState("");
  const [code, setCode] = useState("");
  const slug = org.trim().toLowerCase();
  const work = useMutation({ mutationFn: () => breakGlass(slug, code) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate();
  };
  if (work.isSuccess) {
    return (
      <AuthFrame title="Wait a minute, then sign in">
        <p role="status">
          If the code was right, the dashboard of <strong className="break-all">{slug}</strong> takes requests from this
          country for 24 hours. Every owner was told.
        </p>
        <p className="mt-4">
          <TextLink to={`/o/${slug}/sign-in`} className="underline">
            Sign in
          </TextLink>
        </p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Break the glass" lead="Opens an organisation’s dashboard to this country, with its printed code.">
      <form onSubmit={submit} className="grid gap-4">
        <Input
          label="Organisation"
          required
          autoComplete="off"
          value={org}
          onChange={(event) => setOrg(event.target.value)}
          description="As in its address: /o/…"
        />
        <Input
          label="Break-glass code"
          required
          autoComplete="off"
          spellCheck={false}
          maxLength={64}
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
        <FormFailure error={work.error} />
        <Button type="submit" variant="primary" size="lg" loading={work.isPending} className="w-full justify-center">
          Open
        </Button>
      </form>
    </AuthFrame>
  );
}
