import { operatorRoutes } from "../../../core/routes/operator.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import { orgArgument } from "../organisation.ts";
import type { Flags, Verb } from "../verb.ts";

/** Asks an operator's route of one organisation. @returns what it is now */
export async function callOnOrg(flags: Flags, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const target = path.replace("{target}", flags["org"] ?? "");
  const call = body === undefined ? { path: target } : { path: target, body };
  return (await callOperator(flags, { method: "POST", ...call })) as Record<string, unknown>;
}

interface LifecycleVerb extends Pick<Verb, "summary" | "details"> {
  readonly word: "suspend" | "resume" | "delete" | "restore";
  readonly path: string;
}

/** `acme (org_…) is suspended`, with the day that matters. */
function sayState(org: Record<string, unknown>): string {
  const { slug, id, state, delete_after: due, suspended_at: suspended } = org;
  const until = typeof due === "string" ? `; it is erased after ${due}` : "";
  const also = state === "deleting" && typeof suspended === "string" ? ", and suspended besides" : "";
  return `${String(slug)} (${String(id)}) is ${state === "deleting" ? "to be deleted" : String(state)}${also}${until}`;
}

function verb({ word, path, summary, details }: LifecycleVerb): Verb {
  return {
    name: `tenants ${word}`,
    summary,
    ...(details === undefined ? {} : { details }),
    argument: orgArgument,
    flags: operatorFlags,
    exclusive: operatorExclusive,
    examples: [`tenants ${word} demo`],
    async run(flags, print) {
      print(sayState(await callOnOrg(flags, path)));
      return 0;
    },
  };
}

/** Shutting and opening an organisation as a whole (docs/runbooks/tenants.md). */
export const tenantsLifecycle: readonly Verb[] = [
  verb({
    word: "suspend",
    path: operatorRoutes.operatorSuspendOrg.path,
    summary: "Suspend an organisation: members, programs and devices are refused, nothing is lost",
    details: [
      "The API refuses from the next request on and open sockets are closed before this returns; the edge hears",
      "of it within a minute. Asking again tells a hub that was away.",
    ].join("\n"),
  }),
  verb({
    word: "resume",
    path: operatorRoutes.operatorResumeOrg.path,
    summary: "Open a suspended organisation again; devices are back within five minutes",
  }),
  verb({
    word: "delete",
    path: operatorRoutes.operatorDeleteOrg.path,
    summary: "Shut an organisation and erase it after 30 days; its audit log stays",
    details: "Nothing is gone before that, and no switch makes it sooner. Its owners are told by mail.",
  }),
  verb({
    word: "restore",
    path: operatorRoutes.operatorRestoreOrg.path,
    summary: "Take a deletion back, within the 30 days",
  }),
];
