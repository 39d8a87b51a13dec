import { Badge } from "@cloudflare/kumo/components/badge";
import { useQuery } from "@tanstack/react-query";
import { getWaf, wafKey } from "../../../api/waf.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { WafForm } from "./waf-form.tsx";
import { modeNames } from "./waf-words.ts";

/** What becomes of requests that look like attacks, and the organisation's own rules. */
export function WafSection() {
  const { org, may } = useOrg();
  const query = useQuery({ queryKey: wafKey(org.id), queryFn: ({ signal }) => getWaf(org.id, signal) });
  return (
    <Section
      title="Firewall"
      lead="What becomes of requests that look like attacks, and rules of your own. Signing in and this page are left alone by your rules, so that you can always take them back."
    >
      <QueryView query={query} label="Loading the firewall policy" rows={2}>
        {query.data !== undefined &&
          (may("policies:manage") ? (
            <WafForm key={query.data.version} policy={query.data} />
          ) : (
            <p className="flex flex-wrap items-center gap-2">
              <Badge variant={query.data.mode === "block" ? "success" : "secondary"}>
                {modeNames[query.data.mode]}
              </Badge>
              {query.data.rules.length} rules of its own
            </p>
          ))}
      </QueryView>
    </Section>
  );
}
