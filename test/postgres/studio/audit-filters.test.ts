import { beforeAll, describe, expect, it } from "vitest";
import type { AuditFilter } from "../../../core/rpc/durable-objects.ts";
import { createHarness, type Harness } from "./harness.ts";
import { id } from "./walk-kit.ts";

let studio: Harness;
const asked: AuditFilter[] = [];
beforeAll(async () => {
  studio = await createHarness((services) => ({
    ...services,
    auditReader: {
      ...services.auditReader,
      list: (call, filter) => {
        asked.push(filter);
        return services.auditReader.list(call, filter);
      },
    },
  }));
});

describe("the audit log's list", () => {
  it("asks the log for exactly what the query says, and for nothing that it does not", async () => {
    const { owner, slug } = await studio.newOrg();
    const list = (query: string) => studio.send("GET", `/api/v1/orgs/${slug}/audit${query}`, { token: owner.token });
    const nothing = { type: null, actor: null, target: null, document: null, address: null, country: null };
    const rest = { outcome: null, fromMs: null, toMs: null, beforeSeq: null, limit: 50 };
    expect((await list("")).status).toBe(200);
    expect(asked.at(-1)).toEqual({ ...nothing, ...rest });
    const [actor, target, document] = [id("user"), id("device"), id("document")];
    const query = new URLSearchParams({
      type: "access_denied",
      actor,
      target,
      document,
      address: "2001:db8::7",
      country: "T1",
      outcome: "denied",
      from: "2026-11-22T00:00:00Z",
      to: "2026-11-22T05:30:00+05:30",
      limit: "7",
    });
    expect((await list(`?${query}`)).status).toBe(200);
    const day = Date.UTC(2026, 10, 22);
    const found = { type: "access_denied", actor, target, document, address: "2001:db8::7", country: "T1" };
    expect(asked.at(-1)).toEqual({ ...found, outcome: "denied", fromMs: day, toMs: day, beforeSeq: null, limit: 7 });
  });

  it.each([
    "type=nonsense",
    "actor=dev_01jd3x2k8hf9v8v3k4m5n6p7q8",
    "target=org_01jd3x2k8hf9v8v3k4m5n6p7q8",
    "document=usr_01jd3x2k8hf9v8v3k4m5n6p7q8",
    "address=%27%20OR%201%3D1",
    "address=x",
    "country=Germany",
    "country=in",
    "outcome=maybe",
    "from=yesterday",
    "to=2026-02-30",
    "unknown=1",
    "outcome=denied&outcome=success",
  ])("refuses a query that says %s before it asks anybody", async (query) => {
    const { owner, slug } = await studio.newOrg();
    const before = asked.length;
    const answer = await studio.send("GET", `/api/v1/orgs/${slug}/audit?${query}`, { token: owner.token });
    expect(answer.status).toBeOneOf([400, 422]);
    expect(asked).toHaveLength(before);
  });

  it("names the stable code and the version of each entry's fields", async () => {
    const { owner, slug } = await studio.newOrg();
    const { body } = await studio.send("GET", `/api/v1/orgs/${slug}/audit`, { token: owner.token });
    const made = body.items.find(({ event }: { event: { type: string } }) => event.type === "org_change");
    expect(made).toMatchObject({ code: 4003, schema_version: 1 });
  });
});
