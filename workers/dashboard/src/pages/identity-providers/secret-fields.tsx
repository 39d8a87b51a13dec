import { Input } from "@cloudflare/kumo/components/input";

/** A secret that the provider's console showed once, and until when it is good. */
export function SecretFields(props: {
  readonly label: string;
  readonly secret: string;
  readonly expires: string;
  readonly onSecret: (secret: string) => void;
  readonly onExpires: (day: string) => void;
}) {
  return (
    <>
      <Input
        label={props.label}
        type="password"
        required
        // No manager of the person's own passwords must keep or offer it.
        autoComplete="off"
        passwordManagerIgnore
        value={props.secret}
        onChange={(event) => props.onSecret(event.target.value)}
      />
      <Input
        label="It expires on"
        type="date"
        value={props.expires}
        onChange={(event) => props.onExpires(event.target.value)}
        description="As the console says, so that you are reminded in time. Leave it empty if it never does."
      />
    </>
  );
}
