import type { OrgId } from "../../../core/ids.ts";
import { encryptionRoutes } from "../../../core/routes/encryption.ts";
import { showCounts } from "../../migrate/tenants/progress.ts";
import { type RewrapResult, rewrapEverybody } from "../../migrate/tenants/rewrap.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { patiently } from "../hub-routes.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import { orgArgument } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import type { Flags, Verb } from "../verb.ts";
import { callOnOrg } from "./tenants-lifecycle.ts";

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

/** Organisations named one by one when something is wrong with them. */
const namedMax = 10;

/** Every organisation, each by a request of its own. @returns the exit status */
async function rewrapAll(flags: Flags, print: (line: string) => void): Promise<number> {
  const [control] = placementUrls(flags["state"]);
  const progress = showCounts();
  const rewrap = async (org: OrgId): Promise<void> => {
    const path = encryptionRoutes.operatorRewrapDataKeys.path.replace("{target}", org);
    await patiently(() => callOperator(flags, { method: "POST", path }));
  };
  let result: RewrapResult;
  try {
    result = await rewrapEverybody({ controlUrl: control.url, rewrap, onLook: progress.show });
  } catch (error) {
    throw new CliError("database_failed", reasonOf(error));
  } finally {
    progress.end();
  }
  const { rewrapped, before, failed, left } = result;
  for (const { org, error } of failed.slice(0, namedMax))
    print(`✗ ${org} ${error instanceof CliError ? `${error.code}: ${error.message}` : reasonOf(error)}`);
  if (failed.length > namedMax) print(`✗ and ${failed.length - namedMax} more`);
  print(`${rewrapped} organisations wrapped anew, ${before} were already, ${failed.length} failed`);
  if (left.length === 0 && failed.length === 0) {
    print("✓ nothing is wrapped by another key: after ten minutes DATA_KEY_ENCRYPTION_KEY_PREVIOUS can go");
    return 0;
  }
  const more = left.length > namedMax ? ` and ${left.length - namedMax} more` : "";
  print(`still under another key: ${left.slice(0, namedMax).join(", ")}${more}; the same command goes on with them`);
  return 1;
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
    argument: { ...orgArgument, optional: true },
    flags: { all: { value: null, help: "every organisation that has a key" }, ...operatorFlags },
    name: "keys rewrap",
    summary: "Wrap data keys of an organisation, or of every one, after Sentinel's own key-encryption key has changed",
    details: [
      "With DATA_KEY_ENCRYPTION_KEY_PREVIOUS set. --all reads who has which key from the control database (--state, or",
      "DATABASE_URLS) and asks the Sentinel that runs for each in turn. One that fails stops no other. It may be killed:",
      "the same command goes on where it was. Exit status 0: nothing is wrapped by the old key any more.",
    ].join("\n"),
    examples: ["keys rewrap demo", "keys rewrap --all"],
    async run(flags, print) {
      if ((flags["org"] === undefined) === (flags["all"] === undefined))
        throw new CliError("missing_value", "it needs either ORG or --all", 2);
      if (flags["all"] !== undefined) return await rewrapAll(flags, print);
      print(sayKeys(await callOnOrg(flags, encryptionRoutes.operatorRewrapDataKeys.path)));
      return 0;
    },
  },
];
