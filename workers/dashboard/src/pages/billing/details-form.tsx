import { Button } from "@cloudflare/kumo/components/button";
import { Input, InputArea } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { currencies } from "../../../../../core/billing/money.ts";
import { isGstin, partyCharactersMax } from "../../../../../core/billing/parties.ts";
import { type Billing, billingKey, putBillingDetails } from "../../api/billing.ts";
import { useOrg } from "../../components/org-context.tsx";
import { Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { stateNames, stateText } from "./states.ts";

/** Characters of a name on an invoice; the server's own bound. */
const nameCharactersMax = 100;
/** Among states: nobody said. */
const unsaid = "";

/** To whom invoices go from now on. */
export function DetailsForm({ billing }: { readonly billing: Billing }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const { details } = billing;
  const [name, setName] = useState(details?.name ?? org.name);
  const [address, setAddress] = useState(details?.address ?? "");
  const [typedGstin, setGstin] = useState(details?.gstin ?? "");
  const [chosenState, setState] = useState(details?.state ?? unsaid);
  const [currency, setCurrency] = useState(billing.currency);
  const gstin = typedGstin.trim().toUpperCase();
  const isRight = isGstin(gstin);
  // A registration is of one state; it is told by its first two digits.
  const state = isRight ? gstin.slice(0, 2) : chosenState;
  const wrong = gstin !== "" && !isRight;
  const work = useMutation({
    mutationFn: () =>
      putBillingDetails(org.id, {
        name: name.trim(),
        address: address.trim(),
        gstin: gstin === "" ? null : gstin,
        state: state === unsaid ? null : state,
        currency,
      }),
    onSuccess: async () => {
      toasts.add({ title: "Billing details saved", variant: "success" });
      await client.invalidateQueries({ queryKey: billingKey(org.id) });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!work.isPending && !wrong) work.mutate();
  };
  return (
    <Section
      title="Billing details"
      lead="To whom invoices are made out from now on. They are mailed to every owner; those that were issued keep what they say."
    >
      <form onSubmit={submit} className="grid max-w-2xl gap-4">
        <Input
          label="Name on the invoice"
          required
          maxLength={nameCharactersMax}
          autoComplete="organization"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <InputArea
          label="Address"
          required
          rows={3}
          maxLength={partyCharactersMax}
          autoComplete="street-address"
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
        <div className="grid items-start gap-4 sm:grid-cols-2 *:min-w-0">
          <Input
            label="GSTIN"
            required={false}
            maxLength={15}
            autoComplete="off"
            spellCheck={false}
            value={typedGstin}
            onChange={(event) => setGstin(event.target.value)}
            {...(wrong
              ? { error: "That is no GSTIN: its last character does not fit the others." }
              : { description: "Leave it empty if you are not registered for GST." })}
          />
          <Select
            label="State"
            value={state}
            disabled={isRight}
            items={{ [unsaid]: "Not said", ...states(state) }}
            onValueChange={(next) => setState(next ?? unsaid)}
            description={isRight ? "The one of the GSTIN" : "Where the service is supplied: it decides the tax."}
          />
          <Select
            label="Currency"
            value={currency}
            items={Object.fromEntries(currencies.map((each) => [each, each]))}
            onValueChange={(next) => next !== null && setCurrency(next)}
          />
        </div>
        <FormFailure error={work.error} />
        <div>
          <Button type="submit" variant="primary" loading={work.isPending} disabled={wrong}>
            Save details
          </Button>
        </div>
      </form>
    </Section>
  );
}

/** By name; one that is offered no more stays in the list while it is the one that was said. */
function states(current: string): Record<string, string> {
  const codes = new Set([...Object.keys(stateNames), ...(current === unsaid ? [] : [current])]);
  return Object.fromEntries([...codes].map((code) => [code, stateText(code)]));
}
