import { encryptionRoutes } from "../../../core/routes/encryption.ts";
import { operatorExclusive, operatorFlags } from "../operator.ts";
import type { Verb } from "../verb.ts";
import { callOnOrg, orgArgument } from "./tenants-lifecycle.ts";

interface DataKeys {
  readonly keeper: string;
  readonly data_keys: readonly { readonly id: string; readonly current: boolean }[];
}

/** `https keeps 3 data keys; dky_… seals` */
function sayKeys(answer: Record<string, unknown>): string {
  const { keeper, data_keys: keys } = answer as unknown as DataKeys;
  const current = keys.find((key) => key.current)?.id;
  return `${keeper} keeps what wraps ${keys.length} data keys; ${current === undefined ? "none seals yet" : `${current} seals`}`;
}

const shared = { argument: orgArgument, flags: operatorFlags, exclusive: operatorExclusive } as const;

/** Data keys of one organisation (docs/runbooks/byok.md). */
export const keysData: readonly Verb[] = [
  {
    ...shared,
    name: "keys rotate-data",
    summary: "Make a new data key of an organisation; what the others sealed stays readable",
    details:
      "Isolates that hold the old one go on sealing with it for up to ten minutes. A key is rotated by itself after 2^30 messages.",
    examples: ["keys rotate-data demo"],
    async run(flags, print) {
      print(sayKeys(await callOnOrg(flags, encryptionRoutes.operatorRotateDataKey.path)));
      return 0;
    },
  },
  {
    ...shared,
    name: "keys rewrap",
    summary: "Wrap an organisation's data keys anew, after Sentinel's own key-encryption key has changed",
    details: "With DATA_KEY_ENCRYPTION_KEY_PREVIOUS set; once it ran for every organisation the old key can go.",
    examples: ["keys rewrap demo"],
    async run(flags, print) {
      print(sayKeys(await callOnOrg(flags, encryptionRoutes.operatorRewrapDataKeys.path)));
      return 0;
    },
  },
];
