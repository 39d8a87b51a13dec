import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { XIcon } from "@phosphor-icons/react/X";
import { type KeyboardEvent, useId, useState } from "react";
import { countries, countryCodeOf, countryName } from "../../../format/countries.ts";

/** Countries that are taken: each with a way to remove it, and a field that knows all of them by name. */
export function CountryPicker(props: {
  readonly label: string;
  readonly value: readonly string[];
  readonly onChange: (value: readonly string[]) => void;
}) {
  const list = useId();
  const [text, setText] = useState("");
  const code = countryCodeOf(text);
  const add = (): void => {
    if (code === null) return;
    if (!props.value.includes(code)) props.onChange([...props.value, code]);
    setText("");
  };
  const onEnter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  return (
    <div className="grid gap-2">
      <ul aria-label={props.label} className="flex flex-wrap gap-1.5">
        {props.value.length === 0 && <li className="text-sm text-kumo-subtle">No country: nobody gets in by one.</li>}
        {props.value.map((taken) => (
          <li key={taken}>
            <Button
              size="sm"
              icon={XIcon}
              aria-label={`Remove ${countryName(taken)}`}
              onClick={() => props.onChange(props.value.filter((other) => other !== taken))}
            >
              {countryName(taken)}
            </Button>
          </li>
        ))}
      </ul>
      <div className="flex items-end gap-2">
        <Input
          label="Add a country"
          list={list}
          value={text}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onEnter}
        />
        <Button disabled={code === null} onClick={add}>
          Add
        </Button>
      </div>
      <datalist id={list}>
        {countries.map(({ code: known }) => (
          <option key={known} value={countryName(known)} />
        ))}
      </datalist>
    </div>
  );
}
