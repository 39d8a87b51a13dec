import { operatorRoutes } from "../../../core/routes/operator.ts";
import { parsePlan, planLimits, plans } from "../../../core/tenancy/plan.ts";
import { CliError } from "../cli-error.ts";
import { operatorExclusive, operatorFlags } from "../operator.ts";
import { orgArgument } from "../organisation.ts";
import type { Verb } from "../verb.ts";
import { callOnOrg } from "./tenants-lifecycle.ts";

/** Puts an organisation on another plan. */
export const tenantsPlan: Verb = {
  name: "tenants plan",
  summary: "Put an organisation on another plan",
  details: plans
    .map((plan) => {
      const { devices, members, messages_a_day: messages, llm_micros_a_month: llm } = planLimits[plan];
      return `${plan}: ${devices} devices, ${members} members, ${messages} messages a day, ${llm / 1_000_000} dollars a month through language models`;
    })
    .concat("What it has over its new plan stays; it gets no more.")
    .join("\n"),
  argument: orgArgument,
  flags: {
    ...operatorFlags,
    to: {
      value: "PLAN",
      help: `one of ${plans.join(", ")}`,
      refuse: (value) => (parsePlan(value) === null ? `is none of ${plans.join(", ")}` : null),
    },
  },
  exclusive: operatorExclusive,
  examples: ["tenants plan demo --to school"],
  async run(flags, print) {
    const plan = parsePlan(flags["to"]);
    if (plan === null) throw new CliError("missing_value", `say which plan: --to ${plans.join(", --to ")}`, 2);
    const { slug } = await callOnOrg(flags, operatorRoutes.operatorSetPlan.path, { plan });
    print(`${String(slug)} is on the plan ${plan}`);
    return 0;
  },
};
