import { Input } from "@cloudflare/kumo/components/input";
import { type ReactNode, useState } from "react";
import { FormDialog } from "./form-dialog.tsx";

/** Asks for the name of something, which is all that is asked. */
export function NameDialog(props: {
  readonly title: string;
  readonly description?: ReactNode;
  readonly submit: string;
  /** What stands in the field at first. */
  readonly suggested?: string;
  /** Characters; 100 unless told. */
  readonly lengthMax?: number;
  readonly pending: boolean;
  readonly error: unknown;
  /** Gets the name without spaces round it. */
  readonly onName: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { suggested = "", lengthMax = 100, onName, ...dialog } = props;
  const [name, setName] = useState(suggested);
  return (
    <FormDialog open {...dialog} onSubmit={() => onName(name.trim())}>
      <Input
        label="Name"
        required
        maxLength={lengthMax}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
    </FormDialog>
  );
}
