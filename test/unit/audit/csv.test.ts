import { expect, it } from "vitest";
import { csvHead, csvLine, csvLineOfBefore } from "../../../core/audit/csv.ts";
import type { AuditEntry, AuditFields } from "../../../core/audit/events.ts";

const user = "usr_01jd3x2k8hf9v8v3k4m5n6p7q8";
const entry = (event: object): AuditEntry => ({
  ...{ version: 1, log: "org_01jd3x2k8hf9v8v3k4m5n6p7q8", seq: 7, at: "2026-01-02T03:04:05.678Z" },
  ...{ request_id: "req_01jd3x2k8hf9v8v3k4m5n6p7q8", phase: "event", intent_seq: null, result: null },
  ...{ event: event as AuditFields, leaf_hash: "0".repeat(64) },
});
const exported = { type: "export", user_id: user, format: "csv", document_ids: [], destination: 'a "b", c' };

it("has a line for an entry, quoted as RFC 4180 has it", () => {
  expect(csvHead.startsWith('"seq","at","type",')).toBe(true);
  const line = csvLine(entry(exported));
  expect(line).toBe(
    `"7","2026-01-02T03:04:05.678Z","export","event","success","${user}","","","","req_01jd3x2k8hf9v8v3k4m5n6p7q8","","","{""user_id"":""${user}"",""format"":""csv"",""document_ids"":[],""destination"":""a \\""b\\"", c""}","${"0".repeat(64)}"\r\n`,
  );
});

it("has no cell of a stranger's in it where spreadsheets cut at semicolons, and says the same", () => {
  const agent = "bot (+http://x; =HYPERLINK(1); +1;@x)";
  const event = { type: "login", user_id: null, ip: null, user_agent: agent, outcome: "failure", mfa: "none" };
  const line = csvLine(entry(event));
  for (const cell of line.split(";").slice(1)) expect(cell).not.toMatch(/^\s*[=+\-@]/);
  expect(line).toContain("bot (+http://x\\u003b =HYPERLINK(1)\\u003b +1\\u003b@x)");
  expect(csvLineOfBefore(entry(event))).toContain(agent);
});

it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])(
  "takes what would be a formula for the text it is: %j",
  (text) => {
    // Wherever a stranger's text may come to stand at a cell's beginning.
    const line = csvLine(
      entry({ type: "login", user_id: null, ip: text, user_agent: text, outcome: "failure", mfa: "none" }),
    );
    expect(line).toContain(`,"'${text.replaceAll('"', '""')}",`);
    expect(line).not.toMatch(/(?:^|,)"[=+\-@\t\r]/);
  },
);
