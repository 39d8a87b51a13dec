/** Writes docs/audit-events.md from the schemas of core/audit/events.ts: `node scripts/docs/audit-events.ts`. */
import { writeFileSync } from "node:fs";
import { type AuditType, auditTypes, personalFields, schemaOf } from "../../core/audit/events.ts";
import type { Field } from "../../core/audit/field.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");
const isPersonal = (name: string): boolean => (personalFields as readonly string[]).includes(name);

/** The whole page, as it must stand in docs/audit-events.md. */
export function auditEventsPage(): string {
  const types = auditTypes.toSorted((a, b) => schemaOf(a).code - schemaOf(b).code);
  return [
    "# Audit events",
    "",
    "Made from the schemas in `core/audit/events.ts` by `node scripts/docs/audit-events.ts`; [a test](../test/unit/audit/events-docs.test.ts) keeps this page true. How an entry is hashed is in [audit-leaf.md](audit-leaf.md).",
    "",
    "Each event has its type and exactly the fields of one version of that type. A type and its code never change; a new field is a new version, and entries of older versions stay as they are. *Personal* fields are salted commitments in the leaf, and null once the person was erased.",
    "",
    "| code | type | newest version | what happened |",
    "|---|---|---|---|",
    ...types.map((type) => {
      const { code, later = [], says } = schemaOf(type);
      return `| ${code} | [\`${type}\`](#${type}) | ${1 + later.length} | ${cell(says)} |`;
    }),
    "",
    ...types.flatMap(section),
  ].join("\n");
}

function section(type: AuditType): string[] {
  const { code, says, fields, later = [] } = schemaOf(type);
  return [
    `## ${type}`,
    "",
    `Code ${code}. ${says}`,
    "",
    "| field | since version | personal | value |",
    "|---|---|---|---|",
    ...[fields, ...later].flatMap((version, index) =>
      Object.entries(version).map(([name, field]) => row(name, field, index + 1)),
    ),
    "",
  ];
}

const row = (name: string, { says }: Field<unknown>, since: number): string =>
  `| \`${name}\` | ${since} | ${isPersonal(name) ? "✓" : "–"} | ${cell(says)} |`;

if (import.meta.main) writeFileSync(new URL("../../docs/audit-events.md", import.meta.url), auditEventsPage());
