import { describe, expect, it } from "vitest";
import type { AuditEntry, AuditFields } from "../../../core/audit/events.ts";
import { batchBody, batchBytesMax, batchEntriesMax, batchLength } from "../../../core/audit/stream/batch.ts";
import { formatEntry, type SyslogEntry } from "../../../core/audit/stream/format.ts";
import { judge, retryAfterOf, retryMsMax, retryMsMin, retryWaitMs } from "../../../core/audit/stream/verdict.ts";

const user = "usr_01jd3x2k8hf9v8v3k4m5n6p7q8";
const failedLogin = {
  ...{ type: "login", user_id: user, ip: "203.0.113.9", user_agent: 'a "quoted" agent', outcome: "failure" },
  ...{ mfa: "not_reached", method: "password", reason: "wrong_password", country: "DE" },
} as AuditFields;

function entry(seq: number, event: AuditFields = failedLogin): AuditEntry {
  return {
    ...{ version: 1, log: "org_01jd3x2k8hf9v8v3k4m5n6p7q8", seq, at: "2026-01-02T03:04:05.678Z" },
    ...{ request_id: "req_01jd3x2k8hf9v8v3k4m5n6p7q8", phase: "event", intent_seq: null, result: null },
    ...{ event, leaf_hash: "0".repeat(64) },
  } as AuditEntry;
}
const syslog = (one: AuditEntry) => formatEntry(one, "syslog", "sentinel.test") as SyslogEntry;

describe("an entry on its way to a SIEM", () => {
  it("is as the API shows it, in `json`", () => {
    expect(formatEntry(entry(7), "json", "sentinel.test")).toEqual({ ...entry(7), code: 1001, schema_version: 3 });
  });

  it("has the fields of RFC 5424, in `syslog`", () => {
    expect(syslog(entry(7))).toEqual({
      ...{ pri: 13 * 8 + 4, version: 1, timestamp: "2026-01-02T03:04:05.678Z", hostname: "sentinel.test" },
      ...{ "app-name": "sentinel", procid: entry(7).log, msgid: "login", msg: "login failure" },
      "structured-data": {
        "entry@32473": {
          ...{ seq: "7", request_id: entry(7).request_id, phase: "event", outcome: "failure" },
          ...{ code: "1001", schema_version: "3", leaf_hash: "0".repeat(64) },
        },
        "event@32473": {
          ...{ user_id: user, ip: "203.0.113.9", user_agent: 'a "quoted" agent', outcome: "failure" },
          ...{ mfa: "not_reached", method: "password", reason: "wrong_password", country: "DE" },
        },
      },
    });
  });

  it("says by its severity what somebody should look at", () => {
    const alert = {
      ...{ type: "alert", kind: "many_failures", user_id: user, ip: null, country: null, country_before: null },
      ...{ count: 10, first_seq: 1, last_seq: 10 },
    } as AuditFields;
    const denied = {
      ...{
        type: "access_denied",
        user_id: user,
        ip: "",
        country: "DE",
        endpoint: "/x",
        method: "GET",
        code: "forbidden",
      },
    } as AuditFields;
    const ok = { ...failedLogin, outcome: "success", reason: null } as AuditFields;
    expect([alert, denied, failedLogin, ok].map((event) => syslog(entry(1, event)).pri % 8)).toEqual([1, 4, 4, 6]);
    // What is null is no parameter: nobody reads "null" as a value.
    expect(syslog(entry(1, alert))["structured-data"]["event@32473"]).not.toHaveProperty("ip");
  });
});

describe("a message", () => {
  const documents = Array.from({ length: 1000 }, () => "doc_01jd3x2k8hf9v8v3k4m5n6p7q8");
  const large = {
    type: "export",
    user_id: user,
    format: "csv",
    document_ids: documents,
    destination: "x",
  } as AuditFields;

  it(`holds ${batchEntriesMax} entries at most, and ${batchBytesMax} bytes`, () => {
    const many = Array.from({ length: batchEntriesMax + 1 }, (_, index) => entry(index + 1));
    expect(batchLength(many, "json", "h")).toBe(batchEntriesMax);
    const heavy = Array.from({ length: 20 }, (_, index) => entry(index + 1, large));
    const length = batchLength(heavy, "json", "h");
    expect(length).toBeGreaterThan(1);
    const body = (count: number) =>
      Buffer.byteLength(batchBody(heavy.slice(0, count), { first: 1, last: count }, "json", "h"));
    expect(body(length)).toBeLessThan(batchBytesMax + 1024);
    expect(body(length + 1)).toBeGreaterThan(batchBytesMax);
  });

  it("is never put together with a hole, a repetition or another's beginning", () => {
    const range = { first: 1, last: 3 };
    expect(
      JSON.parse(
        batchBody(
          [1, 2, 3].map((seq) => entry(seq)),
          range,
          "json",
          "h",
        ),
      ).data,
    ).toMatchObject({
      first_seq: 1,
      last_seq: 3,
    });
    for (const seqs of [[1, 3], [1, 2], [1, 2, 2], [2, 3, 4], [3, 2, 1], [1, 2, 3, 4], []])
      expect(() =>
        batchBody(
          seqs.map((seq) => entry(seq)),
          range,
          "json",
          "h",
        ),
      ).toThrow("did not answer");
  });
});

describe("what an answer means", () => {
  it.each<[number | null, string, string | null]>([
    [200, "taken", null],
    [204, "taken", null],
    [null, "again", "unreachable"],
    [301, "again", "redirected"],
    [307, "again", "redirected"],
    [400, "dead", "not_accepted"],
    [401, "again", "refused"],
    [403, "again", "refused"],
    [404, "again", "refused"],
    [410, "stop", "gone"],
    [413, "dead", "not_accepted"],
    [422, "dead", "not_accepted"],
    [429, "again", "slowed"],
    [500, "again", "failing"],
    [503, "again", "failing"],
  ])("%s: %s %s", (status, kind, failure) => {
    const verdict = judge({ status, retryAfterSeconds: null });
    expect([verdict.kind, "failure" in verdict ? verdict.failure : null]).toEqual([kind, failure]);
  });

  it("waits as it asks, but no longer than an hour", () => {
    const waits = [0, 120, 10 ** 9].map((retryAfterSeconds) => judge({ status: 429, retryAfterSeconds }));
    expect(waits.map((verdict) => ("waitMsMin" in verdict ? verdict.waitMsMin : null))).toEqual([
      0,
      120_000,
      retryMsMax,
    ]);
    expect(
      ["5", "0", null, "", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "9".repeat(10)].map(retryAfterOf),
    ).toEqual([...[5, 0, null, null, null, null, null, null]]);
  });

  it("is waited for twice as long each time, up to an hour, and never by all at once", () => {
    for (let tries = 1; tries < 200; tries += 1) {
      const [low, high] = [retryWaitMs(tries, 0, 0), retryWaitMs(tries, 0, 0.999)];
      expect(low).toBeGreaterThanOrEqual(retryMsMin / 2);
      expect(high).toBeGreaterThan(low);
      expect(high).toBeLessThanOrEqual(retryMsMax);
      expect(high).toBeLessThanOrEqual(low * 2);
    }
    expect(retryWaitMs(8, 0, 0.999)).toBeGreaterThan(retryMsMax * 0.9);
    expect(retryWaitMs(1, 90_000, 0)).toBe(90_000);
  });
});
