import { expect, it } from "vitest";
import { auditTypes, schemaOf } from "../../../core/audit/events.ts";
import { auditEventsPage } from "../../../scripts/docs/audit-events.ts";

it("keeps docs/audit-events.md equal to the schemas", async () => {
  await expect(auditEventsPage()).toMatchFileSnapshot("../../../docs/audit-events.md");
});

it("gives each type a code of its own", () => {
  const codes = auditTypes.map((type) => schemaOf(type).code);
  expect(new Set(codes).size).toBe(auditTypes.length);
  for (const code of codes)
    expect(code).toSatisfy((value) => Number.isInteger(value) && value > 1000 && value < 10_000);
});

it("has the five events of ARCHITECTURE.md with exactly their fields as first versions", () => {
  const fields = (type: (typeof auditTypes)[number]) => Object.keys(schemaOf(type).fields);
  expect({
    login: fields("login"),
    api_call: fields("api_call"),
    data_access: fields("data_access"),
    role_change: fields("role_change"),
    export: fields("export"),
  }).toEqual({
    login: ["user_id", "ip", "user_agent", "outcome", "mfa"],
    api_call: ["user_id", "endpoint", "method", "status_code", "duration_ms"],
    data_access: ["user_id", "document_id", "action"],
    role_change: ["admin_id", "target_user_id", "old_role", "new_role"],
    export: ["user_id", "format", "document_ids", "destination"],
  });
});

/** Entries of seven years are read by this: a line may be added, none may change. */
const published = [
  "login 1001: user_id,ip,user_agent,outcome,mfa; method,reason; country",
  "factor_change 1002: user_id,factor,action",
  "session_end 1003: user_id,target_user_id,session_id,reason",
  "account_change 1004: admin_id,target_user_id,action",
  "person_erased 1005: admin_id,target_user_id",
  "api_call 2001: user_id,endpoint,method,status_code,duration_ms",
  "access_denied 2002: user_id,ip,country,endpoint,method,code",
  "edge_refusals 2003: gate,code,country,count,first_at,last_at",
  "repeated 2004: of,user_id,ip,country,endpoint,method,status_code,reason,first_seq,count,first_at,last_at,last_request_id",
  "alert 2005: kind,user_id,ip,country,country_before,count,first_seq,last_seq",
  "data_access 3001: user_id,document_id,action",
  "export 3002: user_id,format,document_ids,destination",
  "role_change 4001: admin_id,target_user_id,old_role,new_role",
  "policy_change 4002: user_id,policy",
  "org_change 4003: user_id,org_id,action,detail",
  "key_change 5001: user_id,kind,key_id,action",
  "enrollment 6001: user_id,action,code_id,device_id",
  "device_command 6002: user_id,device_id,command_id,command",
  "backup 7001: user_id,org_id,backup_id,action",
  "migration 7002: user_id,org_id,from_version,to_version,action",
  "audit_month 7003: placement,month,action,entries,seal",
];

it("never changes a code or a version that was published", () => {
  const found = auditTypes.map((type) => {
    const { code, fields, later = [] } = schemaOf(type);
    return `${type} ${code}: ${[fields, ...later].map((version) => Object.keys(version).join(",")).join("; ")}`;
  });
  expect(found).toEqual(published);
});
