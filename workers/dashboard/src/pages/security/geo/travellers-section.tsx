import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { addTraveller, listTravellers, removeTraveller, travellersKey } from "../../../api/geo.ts";
import { listMembers } from "../../../api/orgs.ts";
import { usePages } from "../../../api/pages.ts";
import { FormDialog } from "../../../components/form-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Row, Section } from "../../../components/section.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";
import { countryCodeOf, countryName } from "../../../format/countries.ts";
import { endOfDay, suggestedDay } from "../../../format/day.ts";

/** Members who may come from one more country until a day. */
export function TravellersSection() {
  const { org, may } = useOrg();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const query = useQuery({ queryKey: travellersKey(org.id), queryFn: ({ signal }) => listTravellers(org.id, signal) });
  const remove = useMutation({
    mutationFn: (id: string) => removeTraveller(org.id, id),
    onSuccess: () => client.invalidateQueries({ queryKey: travellersKey(org.id) }),
  });
  return (
    <Section
      title="Travellers"
      lead="A member who may come from one more country until a day, to the dashboard and the API."
      actions={may("policies:manage") && <Button onClick={() => setAdding(true)}>Add a traveller</Button>}
    >
      <QueryView query={query} label="Loading travellers" rows={1}>
        {query.data !== undefined && query.data.length === 0 && <p className="text-kumo-subtle">Nobody travels.</p>}
        <ul>
          {query.data?.map(({ id, name, country, until }) => (
            <Row
              key={id}
              actions={
                may("policies:manage") && (
                  <Button
                    size="sm"
                    aria-label={`End the exception of ${name} for ${countryName(country)}`}
                    loading={remove.isPending && remove.variables === id}
                    onClick={() => remove.mutate(id)}
                  >
                    End
                  </Button>
                )
              }
            >
              <span className="font-medium">{name}</span>: {countryName(country)}, until <Timestamp at={until} />
            </Row>
          ))}
        </ul>
        <FormFailure error={remove.error} />
      </QueryView>
      {adding && <AddTraveller onClose={() => setAdding(false)} />}
    </Section>
  );
}

function AddTraveller({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const { items } = usePages(["members", org.id], (cursor, signal) => listMembers(org.id, cursor, signal));
  const [user, setUser] = useState("");
  const [country, setCountry] = useState("");
  const [day, setDay] = useState(suggestedDay(Date.now()));
  const code = countryCodeOf(country);
  const until = endOfDay(day);
  const work = useMutation({
    mutationFn: () => addTraveller(org.id, { user, country: code ?? country, until: until ?? day }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: travellersKey(org.id) });
      onClose();
    },
  });
  const names = new Map(items.map((member) => [member.user_id, member.name]));
  return (
    <FormDialog
      open
      title="Add a traveller"
      submit="Add"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <Select
        label="Member"
        value={user}
        renderValue={(value) => names.get(value) ?? "Choose a member"}
        onValueChange={(value) => setUser(value ?? "")}
      >
        {items.map((member) => (
          <Select.Option key={member.user_id} value={member.user_id}>
            {member.name}
          </Select.Option>
        ))}
      </Select>
      <Input
        label="Country"
        required
        value={country}
        onChange={(event) => setCountry(event.target.value)}
        description={code === null ? "A country’s name or its two letters" : countryName(code)}
      />
      <Input
        label="Until the end of"
        type="date"
        required
        value={day}
        onChange={(event) => setDay(event.target.value)}
      />
    </FormDialog>
  );
}
