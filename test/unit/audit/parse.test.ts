import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AuditFields, auditTypes, schemaOf, schemaVersion } from "../../../core/audit/events.ts";
import { userAgentCharactersMax } from "../../../core/audit/field.ts";
import { jcs } from "../../../core/audit/leaf.ts";
import { parseLogName, platformLog } from "../../../core/audit/logs.ts";
import { parseAuditFields } from "../../../core/audit/parse.ts";

const tail = "01jd3x2k8hf9v8v3k4m5n6p7qa";
const user = `usr_${tail}`;
const document = "doc_01jd3x2k8hf9v8v3k4m5n6p7qa";
const valid: readonly AuditFields[] = [
  { type: "login", user_id: null, ip: "2001:db8::1", user_agent: "", outcome: "failure", mfa: "not_reached" },
  {
    type: "login",
    user_id: user,
    ip: "192.0.2.1",
    user_agent: "x",
    outcome: "failure",
    mfa: "failed",
    method: "password",
    reason: "factor_failed",
  },
  {
    type: "login",
    user_id: user,
    ip: "192.0.2.1",
    user_agent: "x",
    outcome: "success",
    mfa: "passed",
    method: "passkey",
    reason: null,
    country: "IN",
  },
  { type: "factor_change", user_id: user, factor: "totp", action: "added" },
  { type: "session_end", user_id: null, target_user_id: user, session_id: null, reason: "disabled" },
  { type: "account_change", admin_id: user, target_user_id: user, action: "disabled" },
  { type: "person_erased", admin_id: null, target_user_id: user },
  { type: "key_change", user_id: user, kind: "api_key", key_id: "key_01jd3x2k8hf9v8v3k4m5n6p7qa", action: "created" },
  { type: "policy_change", user_id: user, policy: "mfa" },
  {
    type: "org_change",
    user_id: null,
    org_id: "org_01jd3x2k8hf9v8v3k4m5n6p7qa",
    action: "plan_changed",
    detail: "school",
  },
  { type: "api_call", user_id: user, endpoint: "/api/v1/me", method: "GET", status_code: 200, duration_ms: 3 },
  { type: "data_access", user_id: user, document_id: document, action: "read" },
  { type: "role_change", admin_id: user, target_user_id: user, old_role: null, new_role: "owner" },
  { type: "export", user_id: user, format: "csv", document_ids: [document], destination: "download" },
  {
    type: "access_denied",
    user_id: user,
    ip: "192.0.2.1",
    country: "IN",
    endpoint: "/api/v1/orgs/{org}/audit",
    method: "GET",
    code: "forbidden",
  },
  {
    type: "repeated",
    of: "login",
    user_id: user,
    ip: "192.0.2.1",
    country: "IN",
    endpoint: null,
    method: null,
    status_code: null,
    reason: "wrong_password",
    first_seq: 7,
    count: 19,
    first_at: "2026-11-22T03:04:05.678Z",
    last_at: "2026-11-22T03:05:04.000Z",
    last_request_id: `req_${tail}`,
  },
  {
    type: "alert",
    kind: "impossible_travel",
    user_id: user,
    ip: null,
    country: "DE",
    country_before: "IN",
    count: 2,
    first_seq: 7,
    last_seq: 9,
  },
  { type: "enrollment", user_id: null, action: "enrolled", code_id: `enc_${tail}`, device_id: `dev_${tail}` },
  {
    type: "device_command",
    user_id: user,
    device_id: `dev_${tail}`,
    command_id: `cmd_${tail}`,
    command: "ping",
  },
  { type: "backup", user_id: null, org_id: `org_${tail}`, backup_id: `bak_${tail}`, action: "restored" },
  { type: "audit_month", placement: "first", month: "2026-01", action: "sealed", entries: 3, seal: "0a".repeat(32) },
  { type: "migration", user_id: null, org_id: `org_${tail}`, from_version: 8, to_version: 9, action: "applied" },
  {
    type: "edge_refusals",
    gate: "geo",
    code: "geo_denied",
    country: "T1",
    count: 3,
    first_at: "2026-11-22T03:04:05.678Z",
    last_at: "2026-11-22T03:04:06.000Z",
  },
];

/** Wrong for every field there is: no list, no object, no text with a line break or NUL is a value. */
const wrongForAny: readonly unknown[] = [undefined, {}, true, "a\nb\0", -1, Number.NaN, [[]], Symbol.iterator];

describe("audit events at the door", () => {
  it("have an example here of every type and version", () => {
    const versions = auditTypes.flatMap((type) => [type, ...(schemaOf(type).later ?? []).map(() => type)]);
    expect(valid.map(({ type }) => type).toSorted()).toEqual(versions.toSorted());
    expect(valid.filter(({ type }) => type === "login").map(schemaVersion)).toEqual([1, 2, 3]);
  });

  it.each(valid)("pass when they are exactly a $type", (event) => {
    expect(parseAuditFields(event)).toEqual(event);
    expect(parseAuditFields(structuredClone(event))).toEqual(event);
  });

  it.each(valid)("are refused when a field of a $type is missing, unknown or wrong", (event) => {
    for (const field of Object.keys(event)) {
      const { [field]: _left, ...incomplete } = event as unknown as Record<string, unknown>;
      // Without the one field of the newest version it is whole, of the version before.
      const older = schemaOf(event.type).later?.some((fields) => Object.keys(fields).join() === field) ?? false;
      expect(parseAuditFields(incomplete), `without ${field}`).toEqual(older ? incomplete : null);
      const free = field === "user_agent" || field === "destination";
      for (const wrong of wrongForAny) {
        if (free && typeof wrong === "string") continue;
        expect(parseAuditFields({ ...event, [field]: wrong }), `${field} = ${String(wrong)}`).toBeNull();
      }
    }
    expect(parseAuditFields({ ...event, more: 1 })).toBeNull();
    expect(parseAuditFields({ ...valid[0], country: "IN" }), "a version that was skipped").toBeNull();
    expect(parseAuditFields({ ...event, type: "toString" })).toBeNull();
    expect(parseAuditFields([event])).toBeNull();
  });

  it("keep a failed sign-in whatever its user agent: cut, well-formed, without NUL, and always canonical JSON", () => {
    const anything = fc.string({ unit: "binary", maxLength: 2000 });
    const surrogates = fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 700 });
    const text = fc.oneof(
      anything,
      surrogates.map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(text, (user_agent) => {
        const parsed = parseAuditFields({ ...valid[0], user_agent });
        if (parsed?.type !== "login") throw new Error("a sign-in was refused for its user agent");
        expect(parsed.user_agent.length).toBeLessThanOrEqual(userAgentCharactersMax);
        expect(parsed.user_agent).not.toContain("\0");
        // No line break survives outside a JSON escape: a log line can't be forged.
        expect(jcs(parsed)).not.toMatch(/[\n\r\0]/);
      }),
    );
  }, 600_000);
});

describe("platform logs", () => {
  it("take every request into one of four, the same one each time, and spread them", () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 4000; index += 1) {
      const log = platformLog(`req_${index.toString(32).padStart(26, "0")}`);
      expect(parseLogName(log)).toBe(log);
      counts.set(log, (counts.get(log) ?? 0) + 1);
    }
    expect(counts.size).toBe(4);
    for (const count of counts.values()) expect(count).toBeGreaterThan(600);
  });

  it("have no other name", () => {
    for (const wrong of ["platform-4", "platform-", "platform-01", "org_x", "", null, 1]) {
      expect(parseLogName(wrong)).toBeNull();
    }
  });
});
