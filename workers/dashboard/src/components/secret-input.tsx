import { Input } from "@cloudflare/kumo/components/input";

/** Somebody else's secret, typed or pasted: no manager of the person's own passwords must keep or offer it. */
export function SecretInput(props: {
  readonly label: string;
  readonly value: string;
  /** Where one is there already: what it means to leave it empty. */
  readonly optional?: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <Input
      label={props.label}
      type="password"
      required={props.optional === undefined}
      {...(props.optional === undefined ? {} : { description: props.optional })}
      autoComplete="off"
      passwordManagerIgnore
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    />
  );
}
