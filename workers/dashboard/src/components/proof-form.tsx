import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { FingerprintIcon } from "@phosphor-icons/react/Fingerprint";
import { type FormEvent, useEffect, useRef, useState } from "react";
import type { TypedProof } from "../api/sign-in.ts";
import { cleanCode } from "./clean-code.ts";
import { ProofFailure, useThrottle } from "./throttled.tsx";

/** What the form may ask for. */
export interface ProofWays {
  readonly password: boolean;
  readonly totp: boolean;
  readonly passkey: boolean;
  readonly recoveryCode: boolean;
}
type Typed = "password" | "totp" | "recoveryCode";

const fields: Readonly<Record<Typed, { label: string; description?: string; switchTo: string }>> = {
  password: { label: "Password", switchTo: "Use your password" },
  totp: { label: "Code from your authenticator app", description: "Six digits", switchTo: "Use a code from your app" },
  recoveryCode: {
    label: "Recovery code",
    description: "Each of them works once.",
    switchTo: "Use a recovery code",
  },
};

/**
 * Asks for one proof of the person: something typed, or a passkey. The same at sign-in, before something
 * grave, and on setting a new password.
 */
export function ProofForm(props: {
  readonly ways: ProofWays;
  readonly submit: string;
  /** For password managers. */
  readonly email?: string | undefined;
  readonly pending: boolean;
  readonly error: unknown;
  readonly onTyped: (proof: TypedProof) => void;
  readonly onPasskey: () => void;
}) {
  const { ways } = props;
  const typed = (["password", "totp", "recoveryCode"] as const).filter((way) => ways[way]);
  const [way, setWay] = useState<Typed | undefined>(typed[0] === "recoveryCode" && ways.passkey ? undefined : typed[0]);
  const wait = useThrottle(props.error);
  return (
    <div className="grid gap-4">
      {ways.passkey && (
        <Button
          variant={way === undefined ? "primary" : "secondary"}
          size="lg"
          icon={FingerprintIcon}
          disabled={props.pending}
          onClick={props.onPasskey}
          className="w-full justify-center"
        >
          Use a passkey
        </Button>
      )}
      {ways.passkey && way !== undefined && <OrRule />}
      {way !== undefined && <TypedForm key={way} {...props} way={way} wait={wait} />}
      {way === undefined && <ProofFailure error={props.error} secondsLeft={wait} passkey={ways.passkey} />}
      {typed
        .filter((other) => other !== way)
        .map((other) => (
          <Button key={other} variant="ghost" onClick={() => setWay(other)} className="w-full justify-center">
            {fields[other].switchTo}
          </Button>
        ))}
    </div>
  );
}

function TypedForm(props: Parameters<typeof ProofForm>[0] & { readonly way: Typed; readonly wait: number }) {
  const { way } = props;
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (props.pending || props.wait > 0) return;
    if (way === "password") props.onTyped({ password: text });
    else if (way === "totp") props.onTyped({ otp: cleanCode(text) });
    else props.onTyped({ recovery_code: text.trim() });
  };
  const { label, description } = fields[way];
  return (
    <form onSubmit={submit} className="grid gap-4">
      <input type="text" name="username" autoComplete="username" value={props.email ?? ""} readOnly hidden />
      <Input
        ref={input}
        label={label}
        name={way}
        type={way === "password" ? "password" : "text"}
        inputMode={way === "totp" ? "numeric" : undefined}
        autoComplete={autoComplete[way]}
        autoCapitalize="off"
        spellCheck={false}
        required
        maxLength={way === "totp" ? 8 : 512}
        className={way === "password" ? "" : "font-mono tracking-wider"}
        value={text}
        onChange={(event) => setText(event.target.value)}
        description={description}
      />
      <ProofFailure error={props.error} secondsLeft={props.wait} passkey={props.ways.passkey} />
      <Button
        type="submit"
        variant="primary"
        size="lg"
        loading={props.pending}
        disabled={props.wait > 0}
        className="w-full justify-center"
      >
        {props.submit}
      </Button>
    </form>
  );
}

const autoComplete: Readonly<Record<Typed, string>> = {
  password: "current-password",
  totp: "one-time-code",
  // Nothing that a browser should keep: it works once.
  recoveryCode: "off",
};

/** Between two ways to do the same. */
export function OrRule() {
  return (
    <div className="flex items-center gap-3 text-xs text-kumo-subtle">
      <span aria-hidden="true" className="h-px flex-1 bg-kumo-line" />
      or
      <span aria-hidden="true" className="h-px flex-1 bg-kumo-line" />
    </div>
  );
}
