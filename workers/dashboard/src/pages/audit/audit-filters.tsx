import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import type { AuditFilter } from "../../api/audit.ts";
import { auditTypes } from "./describe.ts";
import { fromLocalInput, noFilter, type TypedFilter, toLocalInput, typedFilters } from "./filter.ts";
import { FilterInput } from "./filter-input.tsx";

const any = "any";
const outcomes = { [any]: "Every outcome", success: "Done", failure: "Failed", denied: "Denied" };

export function AuditFilters(props: {
  readonly filter: AuditFilter;
  /** Id and name of the people who can be chosen; without any, an id is typed. */
  readonly people: readonly (readonly [id: string, name: string])[];
  readonly onChange: (filter: AuditFilter) => void;
}) {
  const { filter, people, onChange } = props;
  const types = { [any]: "All kinds", ...auditTypes };
  const actors: Record<string, string> = { [any]: "Everyone", ...Object.fromEntries(people) };
  if (filter.actor !== "" && actors[filter.actor] === undefined) actors[filter.actor] = filter.actor;
  const set = (change: Partial<AuditFilter>): void => onChange({ ...filter, ...change });
  const chosen = (value: string | null): string => (value === null || value === any ? "" : value);
  const filtered = Object.values(filter).some((value) => value !== "");
  return (
    <search aria-label="Filter the audit log" className="mb-4 grid grid-cols-2 items-start gap-3 sm:flex sm:flex-wrap">
      <Select
        label="Kind"
        className="w-full sm:w-44"
        value={filter.type === "" ? any : filter.type}
        items={types}
        onValueChange={(value) => set({ type: chosen(value) })}
      />
      <Select
        label="Actor"
        className="w-full sm:w-52"
        value={filter.actor === "" ? any : filter.actor}
        items={actors}
        onValueChange={(value) => set({ actor: chosen(value) })}
      />
      <Select
        label="Outcome"
        className="w-full sm:w-40"
        value={filter.outcome === "" ? any : filter.outcome}
        items={outcomes}
        onValueChange={(value) => set({ outcome: chosen(value) })}
      />
      {(Object.keys(typedFilters) as TypedFilter[]).map((name) => (
        // Another value from elsewhere (the address, "Clear filters") is another field.
        <FilterInput
          key={`${name} ${filter[name]}`}
          name={name}
          value={filter[name]}
          onChange={(to) => set({ [name]: to })}
        />
      ))}
      <div className="max-sm:col-span-2">
        <Input
          label="From"
          type="datetime-local"
          className="w-full"
          value={toLocalInput(filter.from)}
          onChange={(event) => set({ from: fromLocalInput(event.target.value) })}
        />
      </div>
      <div className="max-sm:col-span-2">
        <Input
          label="To"
          type="datetime-local"
          className="w-full"
          value={toLocalInput(filter.to)}
          onChange={(event) => set({ to: fromLocalInput(event.target.value) })}
        />
      </div>
      {filtered && (
        <Button variant="ghost" className="self-end" onClick={() => onChange(noFilter)}>
          Clear filters
        </Button>
      )}
    </search>
  );
}
