import { Input } from "@cloudflare/kumo/components/input";
import { useState } from "react";
import { parseTyped, type TypedFilter, typedFilters } from "./filter.ts";

/** One filter that is typed. It holds once Enter is pressed or the field is left, and says when it is none. */
export function FilterInput(props: {
  readonly name: TypedFilter;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const { label, hint } = typedFilters[props.name];
  const [text, setText] = useState(props.value);
  const [isWrong, setWrong] = useState(false);
  const settle = (): void => {
    const meant = parseTyped(props.name, text);
    setWrong(meant === null);
    if (meant !== null && meant !== props.value) props.onChange(meant);
  };
  return (
    <div className={props.name === "country" ? "w-full sm:w-28" : "max-sm:col-span-2 sm:w-52"}>
      <Input
        label={label}
        className="w-full"
        placeholder={props.name === "country" ? "IN" : hint}
        autoComplete="off"
        spellCheck={false}
        value={text}
        {...(isWrong ? { error: hint } : {})}
        onChange={(event) => setText(event.target.value)}
        onBlur={settle}
        onKeyDown={(event) => {
          if (event.key === "Enter") settle();
        }}
      />
    </div>
  );
}
