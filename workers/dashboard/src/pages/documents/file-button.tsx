import { Button } from "@cloudflare/kumo/components/button";
import { type ComponentProps, useRef } from "react";

/** A button that asks for files. */
export function FileButton(props: {
  readonly label: string;
  readonly multiple?: boolean;
  readonly size?: "sm";
  readonly variant?: "primary" | "secondary";
  readonly icon?: ComponentProps<typeof Button>["icon"];
  readonly onFiles: (files: readonly File[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const { label, icon, size, variant = "secondary", multiple = false } = props;
  return (
    <>
      <Button
        variant={variant}
        {...(size === undefined ? {} : { size })}
        {...(icon === undefined ? {} : { icon })}
        onClick={() => input.current?.click()}
      >
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        multiple={multiple}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          // So that the same file may be chosen again.
          event.target.value = "";
          if (files.length > 0) props.onFiles(files);
        }}
      />
    </>
  );
}
