import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { FingerprintIcon } from "@phosphor-icons/react/Fingerprint";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Challenge, challengeOf, type Door, signInWithPasskey, signInWithPassword } from "../../api/sign-in.ts";
import { passkeysWork } from "../../api/webauthn.ts";
import { OrRule } from "../../components/proof-form.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { ProofFailure, useThrottle } from "../../components/throttled.tsx";
import { usePasskeyFillIn } from "./passkey-fill-in.ts";

/** E-mail and password, or a passkey and nothing else. */
export function FirstStep(props: {
  readonly door: Door;
  readonly email: string;
  readonly onEmail: (email: string) => void;
  /** Offers passkeys within the e-mail field. */
  readonly fillIn?: boolean;
  readonly onDone: () => Promise<void>;
  readonly onChallenge: (challenge: Challenge) => void;
}) {
  const { door, email } = props;
  const [password, setPassword] = useState("");
  const onError = (error: unknown): void => {
    const challenge = challengeOf(error);
    if (challenge !== null) props.onChallenge(challenge);
  };
  const work = useMutation({
    mutationFn: async (way: "password" | "passkey") => {
      await (way === "password" ? signInWithPassword(door, email.trim(), password) : signInWithPasskey(door));
      await props.onDone();
    },
    onError,
  });
  const filled = usePasskeyFillIn(props.fillIn === true && !work.isPending, door, props.onDone, onError);
  const pending = work.isPending || filled.pending;
  const error = challengeOf(work.error) === null ? (work.error ?? filled.error) : null;
  const wait = useThrottle(error);
  const start = (way: "password" | "passkey"): void => {
    if (!pending && filled.withdraw()) work.mutate(way);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (wait === 0) start("password");
  };
  return (
    <>
      <form onSubmit={submit} className="grid gap-4">
        <Input
          label="E-mail"
          type="email"
          name="email"
          autoComplete={props.fillIn === true ? "username webauthn" : "username"}
          required
          value={email}
          onChange={(event) => props.onEmail(event.target.value)}
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
        <TextLink to="/forgot-password" className="-mt-2 justify-self-end text-sm">
          Forgot your password?
        </TextLink>
        <ProofFailure error={error} secondsLeft={wait} passkey={passkeysWork()} />
        <Button
          type="submit"
          variant="primary"
          size="lg"
          loading={pending}
          disabled={wait > 0}
          className="w-full justify-center"
        >
          Sign in
        </Button>
      </form>
      {passkeysWork() && (
        <>
          <OrRule />
          <Button
            size="lg"
            icon={FingerprintIcon}
            disabled={pending}
            onClick={() => start("passkey")}
            className="w-full justify-center"
          >
            Sign in with a passkey
          </Button>
        </>
      )}
    </>
  );
}
