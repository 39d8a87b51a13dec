import { Input } from "@cloudflare/kumo/components/input";
import { SecretInput } from "../../components/secret-input.tsx";

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
      <SecretInput label={props.label} value={props.secret} onChange={props.onSecret} />
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
