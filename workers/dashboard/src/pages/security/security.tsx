import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Input } from "@cloudflare/kumo/components/input";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { meKey } from "../../api/auth.ts";
import { getMfaPolicy, type MfaPolicy, mfaPolicyKey, putMfaPolicy } from "../../api/policies.ts";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp, useNow } from "../../components/timestamp.tsx";
import { dayOf, endOfDay, suggestedDay } from "../../format/day.ts";
import { BackupsSection } from "./backups-section.tsx";
import { BlocksSection } from "./blocks-section.tsx";
import { EncryptionSection } from "./encryption-section.tsx";
import { BreakGlassSection } from "./geo/break-glass-section.tsx";
import { GeoSection } from "./geo/geo-section.tsx";
import { TravellersSection } from "./geo/travellers-section.tsx";
import { LimitsSection } from "./limits/limits-section.tsx";
import { OrganisationSection } from "./organisation-section.tsx";
import { DecisionsSection } from "./waf/decisions-section.tsx";
import { WafSection } from "./waf/waf-section.tsx";

/** What the organisation asks of its members' sign-in. */
export function SecurityPage() {
  const { org, may } = useOrg();
  const query = useQuery({
    queryKey: mfaPolicyKey(org.id),
    queryFn: ({ signal }) => getMfaPolicy(org.id, signal),
  });
  return (
    <>
      <PageHeader title="Security" lead={`What ${org.name} asks of its members`} />
      <QueryView query={query} label="Loading the security policy" rows={2}>
        {query.data !== undefined && (
          <Section
            title="Second factor"
            lead="A passkey, or a code from an app: somebody who knows a password alone then gets nowhere."
          >
            {may("policies:manage") ? (
              <PolicyForm key={JSON.stringify(query.data)} policy={query.data} />
            ) : (
              <PolicyInWords policy={query.data} />
            )}
          </Section>
        )}
      </QueryView>
      <div className="mt-4 grid gap-4">
        <GeoSection />
        <TravellersSection />
        <BreakGlassSection />
        <WafSection />
        {may("audit:read") && <BlocksSection />}
        {may("audit:read") && <DecisionsSection />}
        <LimitsSection />
      </div>
      {may("policies:manage") && (
        <div className="mt-4">
          <BackupsSection />
        </div>
      )}
      {may("encryption:manage") && (
        <div className="mt-4">
          <EncryptionSection />
        </div>
      )}
      <div className="mt-4">
        <OrganisationSection />
      </div>
    </>
  );
}

function PolicyInWords({ policy }: { readonly policy: MfaPolicy }) {
  const now = useNow();
  const later = policy.grace_until !== null && Date.parse(policy.grace_until) > now;
  if (!policy.required) {
    return (
      <p>
        <Badge variant="secondary">Not required</Badge>
      </p>
    );
  }
  return (
    <p className="flex flex-wrap items-center gap-2">
      <Badge variant="success">Required</Badge>
      {later && (
        <span>
          from <Timestamp at={policy.grace_until} /> on
        </span>
      )}
    </p>
  );
}

function PolicyForm({ policy }: { readonly policy: MfaPolicy }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [required, setRequired] = useState(policy.required);
  const [day, setDay] = useState(policy.required ? dayOf(policy.grace_until) : suggestedDay(Date.now()));
  const next: MfaPolicy = { required, grace_until: required ? endOfDay(day) : null };
  const changed = next.required !== policy.required || dayOf(next.grace_until) !== dayOf(policy.grace_until);
  const work = useMutation({
    mutationFn: () => putMfaPolicy(org.id, next),
    onSuccess: async () => {
      toasts.add({ title: "Security policy saved", variant: "success" });
      await client.invalidateQueries({ queryKey: mfaPolicyKey(org.id) });
      await client.invalidateQueries({ queryKey: meKey });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending) work.mutate();
  };
  return (
    <form onSubmit={submit} className="grid justify-items-start gap-4">
      <PolicyInWords policy={policy} />
      <Checkbox label="Every member needs a second factor" checked={required} onCheckedChange={setRequired} />
      {required && (
        <Input
          label="Members have until the end of"
          type="date"
          value={day}
          onChange={(event) => setDay(event.target.value)}
          description={
            day === ""
              ? "Without a day it holds at once: who has none sees nothing but the way to set one up, you included."
              : "Until then they are told on every page. After it, who has none sees nothing but the way to set one up."
          }
        />
      )}
      <FormFailure error={work.error} />
      <Button type="submit" variant="primary" loading={work.isPending} disabled={!changed}>
        Save
      </Button>
    </form>
  );
}
