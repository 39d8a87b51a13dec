import { Input } from "@cloudflare/kumo/components/input";

/** NIST 800-63B-4 section 3.1.1.2: for a password that stands alone, and for one beside a second factor. */
const charactersMinAlone = 15;
const charactersMinBesideFactor = 8;

/** A password that somebody chooses: length counts, and what is missing of it is said while typing. */
export function NewPassword(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (password: string) => void;
  /** Whether the account is known to have a second factor. */
  readonly besideFactor?: boolean;
}) {
  const min = props.besideFactor === true ? charactersMinBesideFactor : charactersMinAlone;
  const missing = min - [...props.value].length;
  return (
    <Input
      label={props.label}
      type="password"
      name="new-password"
      autoComplete="new-password"
      required
      minLength={min}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
      description={
        missing > 0 && props.value !== ""
          ? `${missing} more ${missing === 1 ? "character" : "characters"}`
          : `At least ${min} characters. A few unrelated words are easy to remember.`
      }
    />
  );
}
