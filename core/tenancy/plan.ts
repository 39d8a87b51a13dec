/** What an organisation may have, by its plan. The operator sets plans; a new organisation is on the first. */
export const plans = ["free", "school", "district"] as const;
export type Plan = (typeof plans)[number];

/** What is counted, as refusals name it. */
export const quotas = ["devices", "members", "storage_bytes", "messages_a_day", "llm_micros_a_month"] as const;
export type Quota = (typeof quotas)[number];
export type PlanLimits = Readonly<Record<Quota, number>>;

const gibibyte = 1024 ** 3;
/** In micro-dollars. */
const dollar = 1_000_000;

/**
 * Messages are what the plan's devices send when each reports every ten seconds (8,640 a day), and a sixth more.
 * Storage is those samples for the 30 days that they are kept raw, at some 70 bytes each with their index, with
 * room for roll-ups. What language models may cost is paid to the organisation's own providers (what the operator pays for is a part of it, core/llm/operator-budget.ts), in micro-dollars: it is the most that a mistake or a stolen
 * password can spend, whatever budgets its owners set.
 */
export const planLimits: Readonly<Record<Plan, PlanLimits>> = {
  /** A computer room, to try it out; strangers can make as many of these as they like. */
  free: {
    devices: 50,
    members: 25,
    storage_bytes: 2 * gibibyte,
    messages_a_day: 500_000,
    llm_micros_a_month: 10 * dollar,
  },
  /** A large school with a device for each pupil. */
  school: {
    devices: 2_000,
    members: 500,
    storage_bytes: 64 * gibibyte,
    messages_a_day: 20_000_000,
    llm_micros_a_month: 500 * dollar,
  },
  /** As many as one hub serves (docs/scaling.md). */
  district: {
    devices: 20_000,
    members: 5_000,
    storage_bytes: 640 * gibibyte,
    messages_a_day: 200_000_000,
    llm_micros_a_month: 5_000 * dollar,
  },
};

/** Parses a plan's name; null for anything else. */
export function parsePlan(text: unknown): Plan | null {
  return plans.find((plan) => plan === text) ?? null;
}

/** @param scale LIMIT_SCALE: load tests ask for more of everything */
export function limitsOf(plan: Plan, scale = 1): PlanLimits {
  const { devices, members, storage_bytes, messages_a_day, llm_micros_a_month } = planLimits[plan];
  const scaled = (limit: number): number => Math.min(Number.MAX_SAFE_INTEGER, limit * scale);
  return {
    devices: scaled(devices),
    members: scaled(members),
    storage_bytes: scaled(storage_bytes),
    messages_a_day: scaled(messages_a_day),
    llm_micros_a_month: scaled(llm_micros_a_month),
  };
}
