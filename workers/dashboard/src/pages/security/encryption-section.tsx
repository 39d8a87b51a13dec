import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import {
  type Encryption,
  encryptionKey,
  getEncryption,
  type KeeperKind,
  verifyEncryption,
} from "../../api/encryption.ts";
import { Fact } from "../../components/fact.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { KeeperDialog } from "./keeper-dialog.tsx";

export const keeperNames: Readonly<Record<KeeperKind, string>> = {
  sentinel: "Sentinel",
  https: "A key service of your own",
  aws_kms: "AWS KMS",
};

const failures: Readonly<Record<NonNullable<Encryption["failure"]>, string>> = {
  refused: "The keeper refused: the key is withdrawn, or Sentinel may not use it any more.",
  unreachable: "The keeper did not answer.",
  malformed: "The keeper answered something that is no key.",
  shredded: "The keys were destroyed with the organisation.",
};

/** Who keeps what the organisation's data is encrypted under, and whether that key can be had. */
export function EncryptionSection() {
  const { org } = useOrg();
  const query = useQuery({
    queryKey: encryptionKey(org.id),
    queryFn: ({ signal }) => getEncryption(org.id, signal),
  });
  return (
    <QueryView query={query} label="Loading the state of encryption" rows={3}>
      {query.data !== undefined && <State encryption={query.data} />}
    </QueryView>
  );
}

function State({ encryption }: { readonly encryption: Encryption }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [changing, setChanging] = useState(false);
  const verify = useMutation({
    mutationFn: () => verifyEncryption(org.id),
    onSuccess: () => toasts.add({ title: "The keeper gave the key", variant: "success" }),
    // What was found out is in the state, whichever way it went.
    onSettled: () => client.invalidateQueries({ queryKey: encryptionKey(org.id) }),
  });
  return (
    <Section
      title="Encryption key"
      lead="What devices are told is sealed under keys of this organisation alone. Whoever keeps the key above them can take all of it back."
      actions={
        <>
          <Button loading={verify.isPending} onClick={() => verify.mutate()}>
            Check now
          </Button>
          <Button onClick={() => setChanging(true)}>Change keeper</Button>
        </>
      }
    >
      <div className="grid gap-4">
        <FormFailure error={verify.error} />
        <Facts encryption={encryption} />
        <Withdrawal keeper={encryption.keeper} />
      </div>
      {changing && <KeeperDialog present={encryption} onClose={() => setChanging(false)} />}
    </Section>
  );
}

function Facts({ encryption }: { readonly encryption: Encryption }) {
  const { unwrapped_at: answered, failed_at: failed, failure } = encryption;
  const broken = failed !== null && (answered === null || failed > answered);
  const where = encryption.address ?? encryption.key_arn;
  const current = encryption.data_keys.find((key) => key.current);
  return (
    <dl>
      <Fact term="Kept by">{keeperNames[encryption.keeper]}</Fact>
      {where !== null && (
        <Fact term="Where">
          <span className="font-mono text-[13px] wrap-anywhere">{where}</span>
        </Fact>
      )}
      <Fact term="State">{stateBadge(encryption, broken)}</Fact>
      <Fact term="Last given">{answered === null ? "Not yet" : <Timestamp at={answered} />}</Fact>
      {broken && failure !== null && (
        <Fact term="Last refused">
          <Timestamp at={failed} />. {failures[failure]}
        </Fact>
      )}
      <Fact term="Data keys">
        {current === undefined ? (
          "None yet: the first is made when something is sealed"
        ) : (
          <>
            {encryption.data_keys.length}, the newest from <Timestamp at={current.created_at} />
          </>
        )}
      </Fact>
    </dl>
  );
}

function stateBadge(encryption: Encryption, broken: boolean): ReactNode {
  if (broken) return <Badge variant="error">Can't be had</Badge>;
  if (encryption.unwrapped_at === null) return <Badge variant="secondary">Not used yet</Badge>;
  return <Badge variant="success">Working</Badge>;
}

/** How the key is taken away: outside Sentinel, which is the point of it. */
function Withdrawal({ keeper }: { readonly keeper: KeeperKind }) {
  return <p className="text-kumo-subtle">{withdrawals[keeper]}</p>;
}

const withdrawals: Readonly<Record<KeeperKind, string>> = {
  sentinel:
    "Sentinel keeps the key, so Sentinel can read what is sealed. Name a keeper of your own to be able to take that back.",
  https:
    "To withdraw the key, stop the service or take its key away. Within 15 minutes nothing sealed can be read, by anybody, until the service gives the key again. If the key is lost, what it sealed is lost.",
  aws_kms:
    "To withdraw the key, disable it in AWS KMS. Within 15 minutes nothing sealed can be read, by anybody, until it is enabled again. If the key is deleted there, what it sealed is lost.",
};
