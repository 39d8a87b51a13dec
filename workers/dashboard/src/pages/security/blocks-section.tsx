import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type BlockDays, type Blocks, blocksKey, getBlocks } from "../../api/blocks.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { Segmented } from "../../components/segmented.tsx";
import { countryName } from "../../format/countries.ts";
import { formatNumber } from "../../format/numbers.ts";
import { sentence } from "../../format/sentence.ts";
import { WorldMap } from "./geo/world-map.tsx";

/** The edge reports three times a minute, and every look is an entry in the audit log: what is new is here within a minute. */
const refreshedEveryMs = 30_000;

const spans = [
  { id: "1", label: "Today" },
  { id: "7", label: "7 days" },
] as const satisfies readonly { id: BlockDays; label: string }[];

/** What is refused at the organisation's door, while one looks: from where, of what kind, by which rule. */
export function BlocksSection() {
  const { org } = useOrg();
  const [days, setDays] = useState<BlockDays>("1");
  const query = useQuery({
    queryKey: blocksKey(org.id, days),
    queryFn: ({ signal }) => getBlocks(org.id, days, signal),
    refetchInterval: refreshedEveryMs,
  });
  return (
    <Section
      title="Blocks"
      lead="What firewall and geo policy refused, new ones within a minute. Days begin at midnight UTC; networks are shown, never addresses."
      actions={<Segmented legend="How far back" options={spans} value={days} onChange={setDays} />}
    >
      <QueryView query={query} label="Loading what was refused" rows={4}>
        {query.data !== undefined && <Refused blocks={query.data} />}
      </QueryView>
    </Section>
  );
}

type Country = Blocks["countries"][number];
type Network = Blocks["networks"][number];
type Rule = Blocks["rules"][number];
type Kind = Blocks["classes"][number];

const counts: readonly Column<{ readonly firewall: number; readonly geo: number }>[] = [
  { header: "Firewall", cell: ({ firewall }) => formatNumber(firewall) },
  { header: "Geo policy", cell: ({ geo }) => formatNumber(geo) },
];
const countryColumns: readonly Column<Country>[] = [
  { header: "Country", cell: ({ country }) => countryName(country) },
  ...counts,
];
const networkColumns: readonly Column<Network>[] = [
  { header: "Network", cell: ({ network }) => <span className="font-mono text-xs">{network}</span> },
  { header: "Country", cell: ({ country }) => countryName(country) },
  ...counts,
];
const ruleColumns: readonly Column<Rule>[] = [
  { header: "Rule", cell: ({ rule, own }) => (own ? `“${rule}” (yours)` : rule) },
  { header: "Requests", cell: ({ count }) => formatNumber(count) },
];
const kindColumns: readonly Column<Kind>[] = [
  { header: "Kind", cell: ({ class: name }) => sentence(name.replaceAll("_", " ")) },
  { header: "Requests", cell: ({ count }) => formatNumber(count) },
];
/** Countries in the table; the map has them all. */
const countriesMax = 10;

function Refused({ blocks }: { readonly blocks: Blocks }) {
  const { refused, countries, classes, rules, networks } = blocks;
  if (refused.firewall + refused.geo === 0) return <p className="text-kumo-subtle">Nothing was refused.</p>;
  return (
    <div className="grid gap-4">
      <p role="status">
        <strong>{formatNumber(refused.firewall)}</strong> refused by the firewall,{" "}
        <strong>{formatNumber(refused.geo)}</strong> by the geo policy.
      </p>
      <WorldMap
        label="Refused requests by country on a world map; the table has the same figures"
        marks={countries.map(({ country, firewall, geo }) => ({
          code: country,
          size: firewall + geo,
          colour: "fill-kumo-danger",
          title: `${countryName(country)}: ${firewall} refused by the firewall, ${geo} by the geo policy`,
        }))}
      />
      <div className="grid gap-4 lg:grid-cols-2">
        <DataTable
          label="Refused by country"
          columns={countryColumns}
          rows={countries.slice(0, countriesMax)}
          rowKey={({ country }) => country}
        />
        <DataTable
          label="Networks that were refused most"
          columns={networkColumns}
          rows={networks}
          rowKey={({ network }) => network}
        />
        {classes.length > 0 && (
          <DataTable
            label="Refused by kind of attack"
            columns={kindColumns}
            rows={classes}
            rowKey={({ class: name }) => name}
          />
        )}
        {rules.length > 0 && (
          <DataTable
            label="Rules that refused most"
            columns={ruleColumns}
            rows={rules}
            rowKey={({ rule, own }) => `${own} ${rule}`}
          />
        )}
      </div>
    </div>
  );
}
