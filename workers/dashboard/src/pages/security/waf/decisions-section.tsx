import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { listWafDecisions, type WafDecision, wafDecisionsKey } from "../../../api/waf.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Row, Section } from "../../../components/section.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";
import { countryName } from "../../../format/countries.ts";
import { AllowDialog } from "./allow-dialog.tsx";
import { outcomeNames } from "./waf-words.ts";

/** What the firewall refused or found in the last seven days: alike requests as one, and why. */
export function DecisionsSection() {
  const { org, may } = useOrg();
  const [allowing, setAllowing] = useState<WafDecision | null>(null);
  const query = useQuery({
    queryKey: wafDecisionsKey(org.id),
    queryFn: ({ signal }) => listWafDecisions(org.id, signal),
    refetchInterval: 30_000,
  });
  return (
    <Section
      title="What the firewall did"
      lead="In the last seven days; requests that were alike are one. New ones are here within half a minute."
    >
      <QueryView query={query} label="Loading decisions" rows={2}>
        {query.data !== undefined && query.data.length === 0 && (
          <p className="text-kumo-subtle">Nothing was refused, and nothing looked odd.</p>
        )}
        <ul>
          {query.data?.map((one) => (
            <Row
              key={one.id}
              actions={
                may("policies:manage") &&
                one.allow !== null && (
                  <Button
                    size="sm"
                    aria-label={`Allow this: ${one.allow[0]?.field ?? ""} of ${one.endpoint}`}
                    onClick={() => setAllowing(one)}
                  >
                    Allow this
                  </Button>
                )
              }
            >
              <DecisionInWords decision={one} />
            </Row>
          ))}
        </ul>
      </QueryView>
      {allowing !== null && <AllowDialog decision={allowing} onClose={() => setAllowing(null)} />}
    </Section>
  );
}

function DecisionInWords({ decision }: { readonly decision: WafDecision }) {
  const { outcome, count, endpoint, country, network, findings, own_rules: own, score, last_at: last } = decision;
  return (
    <div className="grid gap-1">
      <p className="flex flex-wrap items-center gap-2">
        <Badge variant={outcome === "block" ? "destructive" : "secondary"}>{outcomeNames[outcome]}</Badge>
        <span className="font-mono text-xs">{endpoint}</span>
        <span className="text-sm text-kumo-subtle">
          {count.toLocaleString()} × from {countryName(country)}
          {network === null ? "" : ` (${network})`}, last <Timestamp at={last} />, score {score}
        </span>
      </p>
      {own.map((name) => (
        <p key={name} className="text-sm">
          Your rule “{name}”
        </p>
      ))}
      {findings.map(({ rule, field, why, fragment }) => (
        <p key={`${rule} ${field}`} className="text-sm">
          <span className="font-mono text-xs">{field}</span>: {why} ({rule})
          {fragment !== null && (
            <code className="ml-1 rounded bg-kumo-recessed px-1 text-xs break-all">{fragment}</code>
          )}
        </p>
      ))}
    </div>
  );
}
