import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { KeyIcon } from "@phosphor-icons/react/Key";
import { roleNames } from "../../access.ts";
import type { IdentityProvider, ProviderSecret } from "../../api/identity-providers.ts";
import { CopyField } from "../../components/copy-field.tsx";
import { Fact } from "../../components/fact.tsx";
import { Row, Section } from "../../components/section.tsx";
import { Timestamp, useNow } from "../../components/timestamp.tsx";
import { presets } from "./presets.ts";
import { secretState } from "./secret-state.ts";

/** What somebody chose to do with a provider. */
export type ProviderTask =
  | { readonly kind: "edit" | "remove" | "rotate"; readonly provider: IdentityProvider }
  | { readonly kind: "retire"; readonly provider: IdentityProvider; readonly secret: ProviderSecret };

export function ProviderCard(props: {
  readonly provider: IdentityProvider;
  readonly onTask: (task: ProviderTask) => void;
}) {
  const { provider, onTask } = props;
  const secretless = provider.kind === "supabase" && provider.signing === "jwks";
  return (
    <Section
      title={provider.name}
      lead={
        <span className="flex flex-wrap items-center gap-2">
          <Badge variant={provider.enabled ? "success" : "secondary"}>{provider.enabled ? "On" : "Off"}</Badge>
          {presets[provider.kind].label}
        </span>
      }
      actions={
        <>
          <Button size="sm" onClick={() => onTask({ kind: "edit", provider })} aria-label={`Edit ${provider.name}`}>
            Edit
          </Button>
          {!secretless && (
            <Button
              size="sm"
              onClick={() => onTask({ kind: "rotate", provider })}
              aria-label={`Rotate secret of ${provider.name}`}
            >
              Rotate secret
            </Button>
          )}
          <Button
            size="sm"
            variant="secondary-destructive"
            onClick={() => onTask({ kind: "remove", provider })}
            aria-label={`Remove ${provider.name}`}
          >
            Remove
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <dl className="grid gap-x-8 sm:grid-cols-2">
          <Fact term="Issuer">
            <span className="font-mono text-[13px] break-all">{provider.issuer}</span>
          </Fact>
          {provider.client_id !== null && (
            <Fact term="Client ID">
              <span className="font-mono text-[13px] break-all">{provider.client_id}</span>
            </Fact>
          )}
          <Fact term="Accounts">{provider.allow_sign_up ? "Makes new ones" : "Only ones that exist"}</Fact>
          <Fact term="Joining">{joining(provider)}</Fact>
          <Fact term="Its second factor">{provider.trusts_mfa ? "Counts here" : "Doesn’t count here"}</Fact>
        </dl>
        {provider.kind !== "supabase" && <CopyField label="Redirect address" text={provider.redirect_uri} />}
        {provider.secrets.length > 0 && <Secrets provider={provider} onTask={onTask} />}
      </div>
    </Section>
  );
}

function joining({ default_role, email_domains }: IdentityProvider): string {
  if (default_role === null || email_domains.length === 0) return "By invitation";
  return `${email_domains.join(", ")} as ${roleNames[default_role].label}`;
}

function Secrets(props: { readonly provider: IdentityProvider; readonly onTask: (task: ProviderTask) => void }) {
  const { provider } = props;
  const now = useNow();
  return (
    <ul aria-label={`Secrets of ${provider.name}`}>
      {provider.secrets.map((secret) => {
        const state = secretState(secret, now);
        return (
          <Row
            key={secret.id}
            icon={<KeyIcon className="size-5" />}
            actions={
              provider.secrets.length > 1 ? (
                <Button
                  size="sm"
                  variant="secondary-destructive"
                  onClick={() => props.onTask({ kind: "retire", provider, secret })}
                >
                  Retire
                </Button>
              ) : undefined
            }
          >
            <p className="flex flex-wrap items-center gap-2 font-medium">
              <span>
                Added <Timestamp at={secret.created_at} relative />
              </span>
              {state === "expired" && <Badge variant="error">Expired</Badge>}
              {state === "expiring" && <Badge variant="warning">Expires soon</Badge>}
              {state === "untried" && <Badge variant="secondary">Not used yet</Badge>}
            </p>
            <p className="text-sm text-kumo-subtle">
              {secret.expires_at === null ? (
                "No end was given"
              ) : (
                <>
                  Expires <Timestamp at={secret.expires_at} relative />
                </>
              )}
              {secret.proven_at !== null && (
                <>
                  {" · "}first used <Timestamp at={secret.proven_at} relative />
                </>
              )}
            </p>
          </Row>
        );
      })}
    </ul>
  );
}
