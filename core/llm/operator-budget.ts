import type { Plan } from "../tenancy/plan.ts";

/** In micro-dollars. */
const dollar = 1_000_000;

/**
 * What models that the operator pays for may cost an organisation in a month, by its plan; within what the plan allows all
 * providers together. Strangers make organisations on the free plan, as many as they like, so there it is nothing.
 */
const operatorMicros: Readonly<Record<Plan, number>> = { free: 0, school: 50 * dollar, district: 500 * dollar };

export const operatorMicrosOf = (plan: Plan): number => operatorMicros[plan];
