import { Button } from "@cloudflare/kumo/components/button";
import { CheckIcon } from "@phosphor-icons/react/Check";
import { CopyIcon } from "@phosphor-icons/react/Copy";
import { useEffect, useId, useRef, useState } from "react";

const copiedForMs = 2_000;

/** Text to take elsewhere: a command, a code. Selecting it by hand works too. */
export function CopyField({ label, text }: { readonly label: string; readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const id = useId();
  const shown = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), copiedForMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // The browser keeps the clipboard to itself: leave the text selected instead.
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current);
    }
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls; this is text and a button for it
    <div role="group" aria-labelledby={id} className="w-full text-left">
      <p id={id} className="mb-1 text-xs font-medium text-kumo-subtle">
        {label}
      </p>
      <div className="flex items-start gap-2 rounded-lg bg-kumo-recessed p-2 pl-3 ring ring-kumo-hairline">
        <code
          ref={shown}
          className="min-w-0 flex-1 py-1 font-mono text-[13px] leading-5 wrap-anywhere whitespace-pre-wrap text-kumo-default select-all"
        >
          {text}
        </code>
        <Button
          size="sm"
          icon={copied ? CheckIcon : CopyIcon}
          onClick={() => void copy()}
          aria-label={`Copy ${label.toLowerCase()}`}
        >
          <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
        </Button>
      </div>
    </div>
  );
}
