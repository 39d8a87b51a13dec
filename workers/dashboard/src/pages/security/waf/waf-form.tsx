import { Button } from "@cloudflare/kumo/components/button";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  putWaf,
  replayWaf,
  type WafPolicy,
  type WafRule,
  wafKey,
  wafModes,
  wafSensitivities,
} from "../../../api/waf.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { Segmented } from "../../../components/segmented.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { Exemptions } from "./exemptions.tsx";
import { ReplayResult } from "./replay-result.tsx";
import { RuleEditor } from "./rule-editor.tsx";
import { modeNames, sensitivityMeanings, sensitivityNames } from "./waf-words.ts";

const newRule: WafRule = {
  name: "",
  action: "log",
  match: "all",
  conditions: [{ field: "user_agent", operator: "contains", value: "" }],
};

/** The policy, what it would have changed, and saving it. */
export function WafForm({ policy }: { readonly policy: WafPolicy }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [draft, setDraft] = useState(policy);
  const changed = JSON.stringify(draft) !== JSON.stringify(policy);
  const trial = useMutation({ mutationFn: () => replayWaf(org.id, draft) });
  const save = useMutation({
    mutationFn: () => putWaf(org.id, draft),
    onSuccess: (saved) => {
      trial.reset();
      toasts.add({ title: "Firewall policy saved", variant: "success" });
      client.setQueryData(wafKey(org.id), saved);
    },
  });
  const set = (changes: Partial<WafPolicy>): void => {
    trial.reset();
    setDraft({ ...draft, ...changes });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  };
  const setRule = (index: number, rule: WafRule): void =>
    set({ rules: draft.rules.map((one, at) => (at === index ? rule : one)) });
  return (
    <form onSubmit={submit} className="grid gap-4">
      <div className="flex flex-wrap gap-3">
        <Segmented
          legend="What becomes of an attack"
          options={wafModes.map((id) => ({ id, label: modeNames[id] }))}
          value={draft.mode}
          onChange={(mode) => set({ mode })}
        />
        <Segmented
          legend="Sensitivity"
          options={wafSensitivities.map((id) => ({ id, label: sensitivityNames[id] }))}
          value={draft.sensitivity}
          onChange={(sensitivity) => set({ sensitivity })}
        />
      </div>
      <p className="text-sm text-kumo-subtle">{sensitivityMeanings[draft.sensitivity]}</p>
      {draft.rules.map((rule, index) => (
        <RuleEditor
          // biome-ignore lint/suspicious/noArrayIndexKey: rules are asked in their order, and a name may be typed twice
          key={index}
          number={index + 1}
          rule={rule}
          onChange={(changedRule) => setRule(index, changedRule)}
          onRemove={() => set({ rules: draft.rules.filter((_, at) => at !== index) })}
        />
      ))}
      <Exemptions draft={draft} onChange={set} />
      <FormFailure error={save.error ?? trial.error} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" loading={save.isPending} disabled={!changed}>
          Save
        </Button>
        <Button type="button" loading={trial.isPending} disabled={!changed} onClick={() => trial.mutate()}>
          Try it on the last 7 days
        </Button>
        <Button type="button" onClick={() => set({ rules: [...draft.rules, newRule] })}>
          Add a rule
        </Button>
      </div>
      {trial.data !== undefined && <ReplayResult replay={trial.data} />}
    </form>
  );
}
