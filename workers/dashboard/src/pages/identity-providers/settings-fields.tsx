import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { roleNames } from "../../access.ts";
import { joiningRoles, type ProviderKind } from "../../api/identity-providers.ts";
import type { SettingsForm } from "./presets.ts";

const roleItems: Readonly<Record<SettingsForm["joiningRole"], string>> = {
  none: "Nobody joins by themselves",
  ...(Object.fromEntries(joiningRoles.map((role) => [role, `As ${roleNames[role].label}`])) as Record<
    (typeof joiningRoles)[number],
    string
  >),
};

/** What an administrator may change of a provider at any time. */
export function SettingsFields(props: {
  readonly kind: ProviderKind;
  readonly value: SettingsForm;
  readonly onChange: (value: SettingsForm) => void;
}) {
  const { kind, value } = props;
  const set = (change: Partial<SettingsForm>): void => props.onChange({ ...value, ...change });
  return (
    <>
      <Input
        label="Name on the sign-in button"
        required
        maxLength={100}
        value={value.name}
        onChange={(event) => set({ name: event.target.value })}
      />
      <div className="grid gap-2">
        <Checkbox
          label="People may sign in with it"
          checked={value.enabled}
          onCheckedChange={(enabled) => set({ enabled })}
        />
        <Checkbox
          label="It may make accounts for people who have none"
          checked={value.allowSignUp}
          onCheckedChange={(allowSignUp) => set({ allowSignUp })}
        />
        <Checkbox
          label="Its word on a second factor counts"
          checked={value.trustsMfa}
          onCheckedChange={(trustsMfa) => set({ trustsMfa })}
        />
        {kind === "supabase" && (
          <Checkbox
            label="The project confirms addresses before it signs anybody in"
            checked={value.confirmsEmail}
            onCheckedChange={(confirmsEmail) => set({ confirmsEmail })}
          />
        )}
      </div>
      {value.allowSignUp && (
        <Select
          label="Who is new here joins"
          value={value.joiningRole}
          items={roleItems}
          onValueChange={(next) => next !== null && set({ joiningRole: next as SettingsForm["joiningRole"] })}
        />
      )}
      {value.allowSignUp && value.joiningRole !== "none" && (
        <Input
          label="If their address is of one of these domains"
          required
          placeholder="school.example"
          value={value.domains}
          onChange={(event) => set({ domains: event.target.value })}
          description="Apart by commas."
        />
      )}
    </>
  );
}
