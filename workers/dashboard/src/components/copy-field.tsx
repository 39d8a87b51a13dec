import { Button } from "@cloudflare/kumo/components/button";
import { CheckIcon } from "@phosphor-icons/react/Check";
import { CopyIcon } from "@phosphor-icons/react/Copy";
import { useEffect, useId, useRef, useState } from "react";

const copiedForMs = 2_000;

/** Text to take elsewhere: a command, a code. Selecting it by hand works too. */
export function CopyField(props: {
  readonly label: string;
  readonly text: string;
  /** How it reads on screen, where that is not how it is copied. */
  readonly shown?: string;
}) {
  const { label, text } = props;
  const id = useId();
  const element = useRef<HTMLElement>(null);
  // The browser may keep the clipboard to itself: then the text is left selected instead.
  const select = (): void => {
    if (element.current !== null) getSelection()?.selectAllChildren(element.current);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls; this is text and a button for it
    <div role="group" aria-labelledby={id} className="w-full text-left">
      <p id={id} className="mb-1 text-xs font-medium text-kumo-subtle">
        {label}
      </p>
      <div className="flex items-start gap-2 rounded-lg bg-kumo-recessed p-2 pl-3 ring ring-kumo-hairline">
        <code
          ref={element}
          className="min-w-0 flex-1 py-1 font-mono text-[13px] leading-5 wrap-anywhere whitespace-pre-wrap text-kumo-default select-all"
        >
          {props.shown ?? text}
        </code>
        <CopyButton label={label.toLowerCase()} text={text} onRefused={select} />
      </div>
    </div>
  );
}

/** Puts text on the clipboard and says so. */
export function CopyButton(props: { readonly label: string; readonly text: string; readonly onRefused?: () => void }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), copiedForMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(props.text);
      setCopied(true);
    } catch {
      props.onRefused?.();
    }
  };
  return (
    <Button
      size="sm"
      icon={copied ? CheckIcon : CopyIcon}
      onClick={() => void copy()}
      aria-label={`Copy ${props.label}`}
    >
      <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
    </Button>
  );
}
