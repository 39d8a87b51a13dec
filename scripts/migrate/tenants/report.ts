/** What a run came to, in lines for whoever runs it. Pure. */
import { fourDigits } from "../files.ts";
import type { DryRun } from "./dry-run.ts";
import type { TenantRunResult } from "./run.ts";

/** Tenants named one by one; a longer list says how many more there are. */
const namedMax = 50;

export function runReport(result: TenantRunResult): string[] {
  const { migrated, current, unmade, failed, blocked, stopped, untried, corrected } = result;
  const lines = [`${migrated} migrated, ${current} were at the newest already`];
  if (unmade > 0) lines.push(`${unmade} have no schema yet: their creation makes it`);
  if (corrected > 0) lines.push(`${corrected} entries of the control plane's index were corrected`);
  if (stopped !== null)
    lines.push(`stopped: ${stopped}; ${untried} were not tried. Mend it and run the same command again`);
  const named = [
    ...failed.map(
      ({ org, placement, kind, file, code, message }) =>
        `${org} (${placement}) ${kind}: ${file ?? "–"} ${code} ${message}`,
    ),
    ...blocked.map(({ org, placement, reason }) => `${org} (${placement}) not touched: ${reason}`),
  ];
  lines.push(...named.slice(0, namedMax));
  if (named.length > namedMax) lines.push(`… and ${named.length - namedMax} more`);
  return lines;
}

export function dryRunReport({ plan, waves, canary, tried }: DryRun): string[] {
  const lines = [`${plan.pending.length} tenants have migrations pending, ${plan.current.length} have none`];
  if (plan.unmade > 0) lines.push(`${plan.unmade} have no schema yet: their creation makes it`);
  const groups = Map.groupBy(plan.pending, ({ placement, number }) => `${placement}: from ${fourDigits(number)}`);
  for (const [group, tenants] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`  ${group}  ${tenants.length}`);
  if (canary !== null) {
    lines.push(`canary: ${canary.org} (${canary.placement}); then waves of ${waves.join(", ") || "nobody"}`);
    for (const { file, ms, failure } of tried)
      lines.push(
        failure === null
          ? `  ${file} applies to the canary (${ms.toFixed(0)} ms; rolled back)`
          : `  ${file} does not apply to the canary: ${failure.code} ${failure.message}`,
      );
  }
  for (const { org, placement, reason } of plan.blocked.slice(0, namedMax))
    lines.push(`${org} (${placement}) would not be touched: ${reason}`);
  return lines;
}
