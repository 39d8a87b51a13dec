import { useId } from "react";

/** One of a few, all in sight: a group of radio buttons drawn as one bar. */
export function Segmented<T extends string>(props: {
  readonly legend: string;
  readonly options: readonly { readonly id: T; readonly label: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
  /** So many that a telephone has them in one row only when they are small. */
  readonly many?: boolean;
}) {
  const name = useId();
  return (
    <fieldset className="inline-flex max-w-full flex-wrap rounded-lg bg-kumo-recessed p-0.5 ring ring-kumo-hairline">
      <legend className="sr-only">{props.legend}</legend>
      {props.options.map(({ id, label }) => (
        <label
          key={id}
          className={`cursor-pointer rounded-md px-3 py-1 text-sm text-kumo-subtle has-checked:bg-kumo-base has-checked:font-medium has-checked:text-kumo-default has-checked:shadow-sm has-checked:ring has-checked:ring-kumo-line has-focus-visible:outline-2 has-focus-visible:outline-(--chart-1)${props.many === true ? " max-sm:px-1.5 max-sm:text-xs" : ""}`}
        >
          <input
            type="radio"
            name={name}
            value={id}
            checked={props.value === id}
            onChange={() => props.onChange(id)}
            className="sr-only"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
