import type { ProviderId } from "../../../../core/ids.ts";
import type { NewSecret, ProviderSecretId } from "../../../../store/control/outside/providers.ts";
import { markProven, usableSecrets } from "../../../../store/control/outside/secrets.ts";
import type { Services } from "../../services.ts";
import type { ClientSecret } from "./code-flow.ts";

/** Seals a secret for its row. */
export async function sealSecret(services: Services, value: string, expiresAtMs: number | null): Promise<NewSecret> {
  const id: ProviderSecretId = services.makeId("providerSecret");
  const sealed = await services.seal("client-secret", id, new Uint8Array(Buffer.from(value, "utf8")));
  return { id, sealed, expiresAtMs };
}

/** A provider's secrets to try, opened, the newest first; each remembers the first time that it was taken. */
export async function clientSecrets(services: Services, provider: ProviderId): Promise<ClientSecret[]> {
  const stored = await usableSecrets(services.database, provider, services.now());
  return Promise.all(
    stored.map(async ({ id, sealed, proven }) => ({
      value: new TextDecoder().decode(await services.open("client-secret", id, sealed)),
      accepted: async () => {
        if (!proven) await markProven(services.database, id, services.now());
      },
    })),
  );
}
