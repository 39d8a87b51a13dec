import { parseId } from "../../../core/ids.ts";
import { operatorRoutes } from "../../../core/routes/operator.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import type { ArgumentSpec, Flags, Verb } from "../verb.ts";

const argument: ArgumentSpec = {
  name: "email",
  value: "EMAIL",
  refuse: (value) => (value.includes("@") ? null : "is not an e-mail address"),
};

async function call(flags: Flags, path: string): Promise<Record<string, unknown>> {
  const body = { email: flags["email"] ?? "" };
  return (await callOperator(flags, { method: "POST", path, body })) as Record<string, unknown>;
}

/** Shuts a person out of the platform. */
export const usersDisable: Verb = {
  name: "users disable",
  summary: "Shut a person out of the platform: sessions, sockets and API keys end at once",
  details: [
    "Also the only owner of an organisation, whose account may be in other hands; the answer names organisations",
    "that nobody can act for then. API keys that the person made are revoked in every organisation. What ended",
    "stays ended when the person is let in again.",
  ].join("\n"),
  argument,
  flags: operatorFlags,
  exclusive: operatorExclusive,
  examples: ["users disable someone@school.example"],
  async run(flags, print) {
    const done = await call(flags, operatorRoutes.disableUser.path);
    const orphaned = done["organisations_without_owner"] as readonly string[];
    print(`${String(done["user_id"])} is disabled; ${String(done["keys_revoked"])} API keys were revoked`);
    if (orphaned.length > 0) print(`nobody can act as owner of ${orphaned.join(", ")} now`);
    return 0;
  },
};

/** Makes a person unreadable in the platform's logs. */
export const usersErase: Verb = {
  name: "users erase",
  summary: "Make a disabled person unreadable in the platform's own audit logs, for good",
  details: [
    "Destroys the keys that what names them is sealed under; every entry and every proof stays. It can't be taken",
    "back. In an organisation's log its owners erase a former member: DELETE /orgs/{org}/audit/subjects/{user}.",
  ].join("\n"),
  argument: {
    name: "user",
    value: "USER",
    refuse: (value) => (parseId("user", value) === null ? "is not a person's id" : null),
  },
  flags: operatorFlags,
  exclusive: operatorExclusive,
  examples: ["users erase usr_01jd3x2k8hf9v8v3k4m5n6p7qa"],
  async run(flags, print) {
    const body = { user_id: flags["user"] ?? "" };
    await callOperator(flags, { method: "POST", path: operatorRoutes.eraseUser.path, body });
    print(`the platform's logs name ${body.user_id} to nobody any more`);
    return 0;
  },
};

/** Lets a person in again. */
export const usersEnable: Verb = {
  name: "users enable",
  summary: "Let a disabled person in again",
  argument,
  flags: operatorFlags,
  exclusive: operatorExclusive,
  examples: ["users enable someone@school.example"],
  async run(flags, print) {
    const done = await call(flags, operatorRoutes.enableUser.path);
    print(`${String(done["user_id"])} may sign in again`);
    return 0;
  },
};
