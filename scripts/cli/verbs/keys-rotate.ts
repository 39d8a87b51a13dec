import { operatorRoutes } from "../../../core/routes/operator.ts";
import { keyPurposes, type RotatedPurpose, rotatedPurposes } from "../../../core/rpc/durable-objects.ts";
import { CliError } from "../cli-error.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import type { Verb } from "../verb.ts";

const all = "all";

/** Revokes signing keys that somebody else may know. */
export const keysRotate: Verb = {
  name: "keys rotate",
  summary: "Revoke every signing key at once and sign with new ones",
  details: [
    "For emergencies: the ring rotates by itself every month. Within a minute (two where KV lies far away)",
    "nothing that a revoked key signed is taken anywhere. Nobody is signed out: sessions get new tokens by",
    "themselves, and programs with an access token in hand refresh it. Sockets stay open. Of `mesh`, calls",
    "between Workers may fail for up to that minute. Of `audit_log`, what the old key signed stays signed, and",
    "auditors must be told of the new one, on another way than this server (docs/audit-proofs.md).",
  ].join("\n"),
  flags: {
    emergency: { value: null, help: "says that you mean it" },
    purpose: {
      value: "WHICH",
      help: "access (people's tokens), mesh (Workers' certificates), all (both; default), or audit_log (checkpoints)",
      refuse: (value) =>
        value === all || (rotatedPurposes as readonly string[]).includes(value)
          ? null
          : "is access, mesh, audit_log or all",
    },
    ...operatorFlags,
  },
  exclusive: operatorExclusive,
  examples: [
    "keys rotate --emergency",
    "keys rotate --emergency --purpose access --url https://sentinel.example --token-file operator-token",
  ],
  async run(flags, print) {
    if (flags["emergency"] === undefined)
      throw new CliError("missing_value", "the ring rotates every month by itself; an emergency needs --emergency", 2);
    const { method, path } = operatorRoutes.rotateKeys;
    const purposes = flags["purpose"] === undefined || flags["purpose"] === all ? keyPurposes : [flags["purpose"]];
    // Roots last: after them, this very connection's Workers need a moment to get new certificates.
    for (const purpose of purposes as readonly RotatedPurpose[]) {
      const body = { purpose, emergency: true };
      const { kid, revoked } = (await callOperator(flags, { method: method as "POST", path, body })) as {
        kid: string;
        revoked: readonly string[];
      };
      print(`${purpose}: ${kid} signs now; revoked ${revoked.join(", ")}`);
    }
    return 0;
  },
};
