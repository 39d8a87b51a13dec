import { useQuery } from "@tanstack/react-query";
import { getLimits, limitGroups, limitsKey } from "../../../api/limits.ts";
import { Fact } from "../../../components/fact.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { formatNumber } from "../../../format/numbers.ts";
import { figureName, groupNames } from "./limit-words.ts";
import { LimitsForm } from "./limits-form.tsx";
import { LimitsInUse } from "./limits-use.tsx";

/** How much one device, one person and all together may ask, and who is near it. */
export function LimitsSection() {
  const { org, may } = useOrg();
  const query = useQuery({ queryKey: limitsKey(org.id), queryFn: ({ signal }) => getLimits(org.id, signal) });
  return (
    <>
      <Section
        title="Limits"
        lead="How much one device, one person and all together may ask. What is saved holds within a minute; who is over it waits, and is told."
      >
        <QueryView query={query} label="Loading the limits" rows={3}>
          {query.data !== undefined &&
            (may("policies:manage") ? (
              <LimitsForm key={query.data.version} policy={query.data} />
            ) : (
              <dl>
                {limitGroups.flatMap((group) =>
                  Object.entries(query.data[group]).map(([name, figure]) => (
                    <Fact key={`${group} ${name}`} term={`${groupNames[group].label}: ${figureName(name)}`}>
                      {formatNumber(figure)}
                    </Fact>
                  )),
                )}
              </dl>
            ))}
        </QueryView>
      </Section>
      <Section title="Limits in use" lead="At this moment, and who is nearest to a limit.">
        <LimitsInUse />
      </Section>
    </>
  );
}
