import { Input } from "@cloudflare/kumo/components/input";

/** Somebody else's secret, typed or pasted: no manager of the person's own passwords must keep or offer it. */
export function SecretInput(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <Input
      label={props.label}
      type="password"
      required
      autoComplete="off"
      passwordManagerIgnore
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    />
  );
}
