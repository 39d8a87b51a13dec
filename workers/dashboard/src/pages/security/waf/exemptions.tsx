import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useState } from "react";
import type { WafPolicy } from "../../../api/waf.ts";
import { Row } from "../../../components/section.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";

const words = { block: "refuses whatever the mode", log: "only logs", off: "is off" } as const;

/** What the platform's rules were told, one by one, and how to take it back. */
export function Exemptions(props: {
  readonly draft: WafPolicy;
  readonly onChange: (changes: Partial<WafPolicy>) => void;
}) {
  const { draft, onChange } = props;
  const overrides = Object.entries(draft.overrides);
  return (
    <div className="grid gap-3">
      {overrides.length + draft.allowances.length > 0 && <List draft={draft} onChange={onChange} />}
      <Override onAdd={(rule, word) => onChange({ overrides: { ...draft.overrides, [rule]: word } })} />
    </div>
  );
}

/** Tells one of the platform's rules what to do, whatever the mode. */
function Override({ onAdd }: { readonly onAdd: (rule: string, word: keyof typeof words) => void }) {
  const [rule, setRule] = useState("");
  const wanted = rule.trim();
  const tell = (word: keyof typeof words) => (): void => {
    onAdd(wanted, word);
    setRule("");
  };
  return (
    <div className="flex flex-wrap items-end gap-2">
      <Input
        label="One of Sentinel’s rules"
        className="w-56 font-mono text-sm"
        placeholder="sqli-comment-trailing"
        value={rule}
        onChange={(event) => setRule(event.target.value)}
      />
      <Button type="button" disabled={wanted === ""} onClick={tell("log")}>
        Only log it
      </Button>
      <Button type="button" disabled={wanted === ""} onClick={tell("off")}>
        Turn it off
      </Button>
      <Button type="button" disabled={wanted === ""} onClick={tell("block")}>
        Always refuse by it
      </Button>
    </div>
  );
}

function List({ draft, onChange }: Parameters<typeof Exemptions>[0]) {
  const overrides = Object.entries(draft.overrides);
  return (
    <ul aria-label="Exemptions">
      {draft.allowances.map((one) => (
        <Row
          key={`${one.rule} ${one.endpoint} ${one.field}`}
          actions={
            <Button
              type="button"
              size="sm"
              aria-label={`End the exemption of ${one.field} from ${one.rule}`}
              onClick={() => onChange({ allowances: draft.allowances.filter((other) => other !== one) })}
            >
              End
            </Button>
          }
        >
          <span className="font-mono text-xs">{one.field}</span> of{" "}
          <span className="font-mono text-xs">{one.endpoint}</span> may have signs of{" "}
          <span className="font-mono text-xs">{one.rule}</span> until <Timestamp at={one.until} />
        </Row>
      ))}
      {overrides.map(([rule, word]) => (
        <Row
          key={rule}
          actions={
            <Button
              type="button"
              size="sm"
              aria-label={`Let ${rule} do what the mode says`}
              onClick={() => onChange({ overrides: Object.fromEntries(overrides.filter(([other]) => other !== rule)) })}
            >
              As the mode says
            </Button>
          }
        >
          <span className="font-mono text-xs">{rule}</span> {words[word]}
        </Row>
      ))}
    </ul>
  );
}
