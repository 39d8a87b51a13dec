import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  type LimitFigures,
  type LimitGroup,
  type LimitsPolicy,
  limitGroups,
  limitsKey,
  putLimits,
} from "../../../api/limits.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { formatNumber } from "../../../format/numbers.ts";
import { figureName, groupNames } from "./limit-words.ts";

type Texts = Readonly<Record<LimitGroup, Readonly<Record<string, string>>>>;

/** The figures, each with how far it may be moved. The server has the last word on them. */
export function LimitsForm({ policy }: { readonly policy: LimitsPolicy }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [texts, setTexts] = useState<Texts>(() => ofEach((group) => mapped(policy[group], String)));
  const figures: LimitFigures = ofEach((group) => mapped(texts[group], Number));
  const standard: LimitFigures = ofEach((group) => mapped(policy.bounds[group], (bound) => bound.standard));
  const work = useMutation({
    mutationFn: () => putLimits(org.id, figures, policy.version),
    onSuccess: async (saved) => {
      toasts.add({ title: "Limits saved", variant: "success" });
      client.setQueryData(limitsKey(org.id), saved);
      await client.invalidateQueries({ queryKey: limitsKey(org.id) });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate();
  };
  return (
    <form onSubmit={submit} className="grid gap-5">
      {limitGroups.map((group) => (
        <fieldset key={group} className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
          <legend className="mb-2 font-medium">
            {groupNames[group].label} <span className="font-normal text-kumo-subtle">{groupNames[group].lead}</span>
          </legend>
          {Object.entries(policy.bounds[group]).map(([name, { min, max }]) => (
            <Input
              key={name}
              label={figureName(name)}
              type="number"
              inputMode="numeric"
              required
              min={min}
              max={max}
              step={1}
              value={texts[group][name] ?? ""}
              description={`${formatNumber(min)} to ${formatNumber(max)}`}
              onChange={(event) => setTexts({ ...texts, [group]: { ...texts[group], [name]: event.target.value } })}
            />
          ))}
        </fieldset>
      ))}
      <FormFailure error={work.error} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" loading={work.isPending} disabled={same(figures, policy)}>
          Save
        </Button>
        <Button
          type="button"
          disabled={same(figures, standard)}
          onClick={() => setTexts(ofEach((group) => mapped(standard[group], String)))}
        >
          As Sentinel has it
        </Button>
      </div>
    </form>
  );
}

function ofEach<T>(of: (group: LimitGroup) => T): Record<LimitGroup, T> {
  return { devices: of("devices"), clients: of("clients"), organisation: of("organisation") };
}

function mapped<From, To>(figures: Readonly<Record<string, From>>, to: (figure: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, to(figure)]));
}

function same(one: LimitFigures, other: LimitFigures): boolean {
  return limitGroups.every((group) =>
    Object.entries(one[group]).every(([name, figure]) => other[group][name] === figure),
  );
}
