/**
 * What the platform says of a backend outside (ADR 39). It is deployed like code, and read once: a mistake in one stops
 * the Worker before it serves anything.
 */
import * as z from "zod";
import { type OrgId, parseId } from "../ids.ts";
import { parseOutsideAddress } from "../outside-address.ts";
import { type Role, roles } from "../tenancy/roles.ts";
import { backendMethods, parsePathPattern } from "./backend-route.ts";

/** Backends of a platform: a row of a page each, and a circuit each in an organisation's object. */
export const backendsMax = 16;
/** Routes of one backend. Together with what is around them a registration stays under the 5 KB of a Worker's variable. */
export const backendRoutesMax = 32;
/** A call ends before the edge gives up (30 s) with room for the audit on both sides of it. Milliseconds. */
export const timeoutMsMax = 20_000;
export const timeoutMsMin = 100;
/** A call is made at most once and twice more. */
export const retriesMax = 2;
/** An answer is held whole, so that it is on record before its first byte leaves; sixteen of them fit an isolate easily. */
export const answerBytesMax = 1024 * 1024;
/** Types that an answer may have. None of them runs in a browser, whoever opens it. */
export const answerTypes = ["application/json", "text/csv", "text/plain"] as const;
export type AnswerType = (typeof answerTypes)[number];

/** A circuit opens for at most this long, in milliseconds: an object that nobody asks lives longer. */
export const openMsMax = 60_000;

/** Names of bindings with a client certificate. Nothing else that a Worker is bound to begins so. */
const bindingPattern = /^MTLS_[A-Z][A-Z0-9_]{0,40}$/;
export const backendNamePattern = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/;
const fieldPattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

const organisation = z.string().transform((text, context): OrgId => {
  const org = parseId("org", text);
  if (org === null) context.addIssue({ code: "custom", message: "is not an organisation's id" });
  return org as OrgId;
});

const distinct = (values: readonly string[]): boolean => new Set(values).size === values.length;

const route = z.strictObject({
  methods: z.array(z.enum(backendMethods)).min(1).refine(distinct, "names a method twice"),
  /** `/students/{student}`: each part in braces takes one segment. */
  path: z
    .string()
    .max(256)
    .transform((text, context) => {
      const pattern = parsePathPattern(text);
      if (pattern === null) context.addIssue({ code: "custom", message: "is not a path of plain segments" });
      return pattern ?? [];
    }),
  /** Who may, of those whom Sentinel's own permissions let through. */
  roles: z.array(z.enum(roles)).min(1).refine(distinct, "names a role twice"),
  /** Fields of the query that are handed on. */
  query: z.array(z.string().regex(fieldPattern)).max(32).default([]),
  /** POST and PATCH alone: the backend promises to do once what comes twice with the same Idempotency-Key. */
  honours_idempotency_key: z.boolean().default(false),
});

const circuit = z.strictObject({
  /** Calls of the last so many milliseconds count. */
  window_ms: z.int().min(1_000).max(300_000).default(30_000),
  /** Fewer say nothing. */
  calls_min: z.int().min(2).max(1_000).default(10),
  /** Failed ones among them, from which the circuit opens. */
  failure_ratio: z.number().gt(0).max(1).default(0.5),
  /** How long nobody is let through before one call tries. */
  open_ms: z.int().min(1_000).max(openMsMax).default(15_000),
});

export const registrationSchema = z.strictObject({
  base_url: z.string().transform((text, context) => {
    const url = parseOutsideAddress(text, new Set());
    if (url === null || url.search !== "" || text.includes("%"))
      context.addIssue({ code: "custom", message: "is not https on a public name, without a query" });
    // Without the slash at its end: every route's path begins with one.
    return url === null ? "" : `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  }),
  /** The binding that shows Sentinel's certificate. Without one nothing is called. */
  mtls_binding: z.string().regex(bindingPattern, "is MTLS_ and capitals"),
  /** Whose members may call it: no default, for "everybody" must be somebody's word. */
  organisations: z.union([z.literal("all"), z.array(organisation).min(1).max(64)]),
  routes: z.array(route).min(1).max(backendRoutesMax),
  timeout_ms: z.int().min(timeoutMsMin).max(timeoutMsMax),
  retries: z.int().min(0).max(retriesMax).default(1),
  answer_bytes_max: z
    .int()
    .min(1)
    .max(answerBytesMax)
    .default(256 * 1024),
  answer_types: z.array(z.enum(answerTypes)).min(1).default(["application/json"]),
  circuit: circuit.prefault({}),
});

export type Registration = z.output<typeof registrationSchema>;
export type RegisteredRoute = Registration["routes"][number];

/** What marks a variable that registers a backend: `BACKEND_SCHOOL_RECORDS` is `school-records`. */
export const backendVariablePrefix = "BACKEND_";

/** The name in paths of a variable; null when there can't be such a backend. */
export function backendName(variable: string): string | null {
  if (!/^BACKEND_[A-Z0-9_]+$/.test(variable)) return null;
  const name = variable.slice(backendVariablePrefix.length).toLowerCase().replaceAll("_", "-");
  return backendNamePattern.test(name) ? name : null;
}

/**
 * Reads one registration.
 * @param given the variable's value: an object, or one as JSON
 * @throws Error that names what is wrong and where, never a value
 */
export function parseRegistration(variable: string, given: unknown): Registration {
  let value = given;
  if (typeof given === "string") {
    try {
      value = JSON.parse(given);
    } catch {
      throw new Error(`${variable} is not JSON`);
    }
  }
  const parsed = registrationSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new Error(`${variable}: ${issues.join("; ")}`);
}

/** Whether members of an organisation may call the backend at all. */
export const servesOrganisation = ({ organisations }: Registration, org: OrgId): boolean =>
  organisations === "all" || organisations.includes(org);

/** Whether a member in this role may use the route. */
export const allowsRole = (route: RegisteredRoute, role: Role): boolean => route.roles.includes(role);
