import { expect, it } from "vitest";
import { stepUpMsMax } from "../../../core/limits.ts";
import { type RouteSpec, routes } from "../../../core/routes.ts";
import { permissions, type Role, roles } from "../../../core/tenancy/roles.ts";
import { mayConfined } from "../../../workers/studio/auth/outside/confined.ts";
import { decide } from "../../../workers/studio/rbac/decide.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const mark = (yes: boolean): string => (yes ? "✓" : "–");
const all = Object.entries(routes as Record<string, RouteSpec>);
const paths = (kind: string): [string, RouteSpec][] => all.filter(([, { policy }]) => policy.kind === kind);
const address = ({ method, path }: RouteSpec): string => `\`${method} ${path}\``;

function grants(role: Role, { policy }: RouteSpec): boolean {
  return policy.kind === "permission" && decide(role, policy.permission) === "allow";
}

/** Roles that an API key can have and that may call the route; a program proves nothing, so never with a proof. */
function programs(spec: RouteSpec): string {
  if (spec.stepUp) return "–";
  const able = roles.filter((role) => role !== "owner" && grants(role, spec));
  return able.length === 0 ? "–" : able.join(", ");
}

/** `npx vitest run --project unit test/unit/studio/permissions-docs.test.ts -u` writes the page again. */
it("keeps docs/permissions.md equal to the routes and the permission table", async () => {
  const page = [
    "# Who may call what",
    "",
    "Made from the route table (`core/routes/`) and the permission table (`workers/studio/rbac/permission-table.ts`); [a test](../test/unit/studio/permissions-docs.test.ts) keeps this page true, and [another](../test/e2e/permissions.test.ts) calls every route with every role over the whole system.",
    "",
    `*Proof* means that the person has proven themselves within the last ${stepUpMsMax / 60_000} minutes: with their second factor, or with the password if they have none. *Rate* names the limit that counts the route (\`core/limits.ts\`).`,
    "",
    "## Roles",
    "",
    `| permission | ${roles.join(" | ")} |`,
    `|---|${roles.map(() => "---|").join("")}`,
    ...permissions.map(
      (permission) =>
        `| \`${permission}\` | ${roles.map((role) => mark(decide(role, permission) === "allow")).join(" | ")} |`,
    ),
    "",
    "Analysts and viewers read the devices of their own groups: row-level security in the organisation's schema chooses the rows. Only owners make, change, remove or sign out owners, and an organisation keeps an owner who can act as one.",
    "",
    "## Routes of an organisation",
    "",
    "For its members. To anybody else the organisation, and every id in it, does not exist (404). Where the organisation requires second factors, each of these wants one, from people. An API key has one of the roles below owner.",
    "",
    `| route | what | permission | proof | rate | ${roles.join(" | ")} | API keys |`,
    `|---|---|---|---|---|${roles.map(() => "---|").join("")}---|`,
    ...paths("permission").map(([, spec]) => {
      const permission = spec.policy.kind === "permission" ? spec.policy.permission : "";
      const marks = roles.map((role) => mark(grants(role, spec))).join(" | ");
      return `| ${address(spec)} | ${cell(spec.summary)} | \`${permission}\` | ${mark(spec.stepUp)} | ${spec.rateClass} | ${marks} | ${programs(spec)} |`;
    }),
    "",
    "Inviting an owner or admin wants proof too, as making one of a member does.",
    "",
    "## Routes of whoever is signed in",
    "",
    "About oneself alone. *Confined*: open also to a session that an organisation's own identity provider began, which counts in that organisation and in little else.",
    "",
    "| route | what | proof | rate | confined | API keys |",
    "|---|---|---|---|---|---|",
    ...paths("signed_in").map(
      ([name, spec]) =>
        `| ${address(spec)} | ${cell(spec.summary)} | ${mark(spec.stepUp)} | ${spec.rateClass} | ${mark(mayConfined(name as keyof typeof routes))} | ${mark(name === "me")} |`,
    ),
    "",
    "## The operator's routes",
    "",
    "For whoever holds the operator's token. To anybody else they do not exist (404).",
    "",
    "| route | what | rate |",
    "|---|---|---|",
    ...paths("operator").map(([, spec]) => `| ${address(spec)} | ${cell(spec.summary)} | ${spec.rateClass} |`),
    "",
    "## Public routes",
    "",
    "| route | what | why it is public | rate |",
    "|---|---|---|---|",
    ...paths("public").map(([, spec]) => {
      const why = spec.policy.kind === "public" ? spec.policy.why : "";
      return `| ${address(spec)} | ${cell(spec.summary)} | ${cell(why)} | ${spec.rateClass} |`;
    }),
    "",
  ].join("\n");
  await expect(page).toMatchFileSnapshot("../../../docs/permissions.md");
});

it("finds each route under exactly one heading", () => {
  const kinds = ["permission", "signed_in", "operator", "public"];
  expect(kinds.flatMap((kind) => paths(kind))).toHaveLength(all.length);
});
