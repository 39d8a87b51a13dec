import { Button } from "@cloudflare/kumo/components/button";
import { InputArea } from "@cloudflare/kumo/components/input";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  confirmationOf,
  type GeoPolicyView,
  type GeoSurfaces,
  geoKey,
  putGeo,
  type SurfaceId,
  simulateGeo,
  surfaceIds,
} from "../../../api/geo.ts";
import { ConfirmDialog } from "../../../components/confirm-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { Segmented } from "../../../components/segmented.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { CountryPicker } from "./country-picker.tsx";
import { LockoutList } from "./lockout-list.tsx";
import { draftOf, type RulesDraft, rulesOf } from "./rules-text.ts";
import { surfaceNames } from "./surface-names.ts";
import { TrialResult } from "./trial-result.tsx";

type Drafts = Readonly<Record<SurfaceId, RulesDraft>>;

/** The rules of each surface, what they would do, and saving them: whom they shut out is asked about first. */
export function GeoForm({ policy }: { readonly policy: GeoPolicyView }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [surface, setSurface] = useState<SurfaceId>("dashboard");
  const [drafts, setDrafts] = useState<Drafts>(() => ({
    dashboard: draftOf(policy.surfaces.dashboard),
    api: draftOf(policy.surfaces.api),
    devices: draftOf(policy.surfaces.devices),
  }));
  const wanted: GeoSurfaces = {
    dashboard: rulesOf(drafts.dashboard),
    api: rulesOf(drafts.api),
    devices: rulesOf(drafts.devices),
  };
  const changed = JSON.stringify(wanted) !== JSON.stringify(policy.surfaces);
  const trial = useMutation({ mutationFn: () => simulateGeo(org.id, wanted) });
  const save = useMutation({
    mutationFn: (confirm: string | null) => putGeo(org.id, wanted, confirm),
    onSuccess: async (saved) => {
      trial.reset();
      toasts.add({ title: "Geo policy saved", variant: "success" });
      client.setQueryData(geoKey(org.id), saved);
      await client.invalidateQueries({ queryKey: geoKey(org.id), exact: true });
    },
  });
  const asked = confirmationOf(save.error);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!save.isPending) save.mutate(null);
  };
  const change = (changes: Partial<RulesDraft>): void => {
    trial.reset();
    setDrafts({ ...drafts, [surface]: { ...drafts[surface], ...changes } });
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <div>
        <Segmented
          legend="Surface"
          options={surfaceIds.map((id) => ({ id, label: surfaceNames[id].label }))}
          value={surface}
          onChange={setSurface}
        />
      </div>
      <p className="text-sm text-kumo-subtle">{surfaceNames[surface].meaning}</p>
      <SurfaceFields draft={drafts[surface]} onChange={change} />
      {asked === null && <FormFailure error={save.error ?? trial.error} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" loading={save.isPending} disabled={!changed}>
          Save
        </Button>
        <Button loading={trial.isPending} onClick={() => trial.mutate()}>
          Try it first
        </Button>
        {changed && (
          <Button
            onClick={() => setDrafts({ dashboard: drafts[surface], api: drafts[surface], devices: drafts[surface] })}
          >
            The same for every surface
          </Button>
        )}
      </div>
      {trial.data !== undefined && <TrialResult trial={trial.data} org={org.slug} />}
      {asked !== null && (
        <ConfirmDialog
          open
          title="This shuts somebody out"
          confirm="Shut them out"
          destructive
          onClose={() => save.reset()}
          onConfirm={() => save.mutateAsync(asked.confirm)}
        >
          <LockoutList lockout={asked.lockout} org={org.slug} />
          <p>The change goes back by itself after 10 minutes unless you confirm it again from within it.</p>
        </ConfirmDialog>
      )}
    </form>
  );
}

function SurfaceFields(props: {
  readonly draft: RulesDraft;
  readonly onChange: (changes: Partial<RulesDraft>) => void;
}) {
  const { draft, onChange } = props;
  const area = (
    label: string,
    field: "networksAllow" | "networksDeny" | "asnsAllow" | "asnsDeny",
    placeholder: string,
  ) => (
    <InputArea
      label={label}
      rows={3}
      className="w-full font-mono text-sm"
      placeholder={placeholder}
      value={draft[field]}
      onChange={(event) => onChange({ [field]: event.target.value })}
    />
  );
  return (
    <div className="grid gap-4">
      <CountryPicker label="Countries" value={draft.countries} onChange={(countries) => onChange({ countries })} />
      <div className="grid gap-4 sm:grid-cols-2">
        {area("Networks always let in", "networksAllow", "203.0.113.0/24")}
        {area("Networks never let in", "networksDeny", "2001:db8::/32")}
        {area("Operators always let in", "asnsAllow", "AS55836")}
        {area("Operators never let in", "asnsDeny", "AS64500")}
      </div>
    </div>
  );
}
