/** Who is let in: every method, with every kind of call that is not a genuine one for it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LlmProviderId, OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { roles } from "../../../core/tenancy/roles.ts";
import { llmMethods } from "../../../workers/capabilities/llm/llm.ts";
import { methodRights } from "../../../workers/capabilities/llm/rights.ts";
import { createTestMesh, newId } from "../../unit/capabilities/mesh.ts";
import { freshTenant } from "../support.ts";
import { codeOf, createLlmKit, type LlmKit, listed, personOf, settings } from "./kit.ts";

let kit: LlmKit;
let org: OrgId;
let theirs: OrgId;
let provider: LlmProviderId;
const owner = personOf("owner");
beforeAll(async () => {
  kit = await createLlmKit();
  [{ org }, { org: theirs }] = await Promise.all([freshTenant(), freshTenant()]);
  ({ id: provider } = await kit.add(theirs, owner));
});
afterAll(() => kit.stop());

type Method = (call: SignedCall, ...rest: unknown[]) => Promise<unknown>;
const methodOf = (name: (typeof llmMethods)[number]): Method => kit.llm[name] as unknown as Method;

describe.each(llmMethods)("%s", (name) => {
  const refused = async (call: SignedCall): Promise<void> =>
    expect(methodOf(name)(call, provider, {}, null)).rejects.toMatchObject({ name: "CallRefused" });
  const token = () => kit.mesh.accessToken({ ...owner, org });

  it("refuses a call without an assertion, or with what is none", async () => {
    const { accessToken } = await kit.as(org, owner);
    for (const assertion of ["", "a.b.c", undefined as unknown as string]) await refused({ assertion, accessToken });
  });

  it("refuses an assertion for another entrypoint, and every job", async () => {
    const studio = kit.mesh.callerOf("studio");
    await refused(await studio.asUser("capabilities.devices", await token(), newId("request")));
    await refused(await studio.asJob("capabilities.llm", "tend_keys", org, newId("request")));
  });

  it("refuses an assertion that is over, and a token that is", async () => {
    const anHourAgo = (): number => Date.now() - 3_700_000;
    const late = kit.mesh.callerOf("studio", anHourAgo);
    await refused(await late.asUser("capabilities.llm", await token(), newId("request")));
    const old = await kit.mesh.accessToken({ ...owner, org }, anHourAgo());
    await refused(await kit.mesh.callerOf("studio").asUser("capabilities.llm", old, newId("request")));
  });

  it("refuses a certificate of another authority", async () => {
    const forged = await createTestMesh();
    const theirToken = await forged.accessToken({ ...owner, org });
    await refused(await forged.callerOf("studio").asUser("capabilities.llm", theirToken, newId("request")));
    await refused(await forged.callerOf("studio").asUser("capabilities.llm", await token(), newId("request")));
  });

  it("refuses a call of a workload that may not call it", async () => {
    await refused(await kit.mesh.callerOf("capabilities").asUser("capabilities.llm", await token(), newId("request")));
  });

  it("refuses a user's assertion with another user's token", async () => {
    const call = await kit.as(org, owner);
    await refused({ ...call, accessToken: await kit.mesh.accessToken({ ...personOf("owner"), org }) });
    await refused({ ...call, accessToken: null });
  });

  it("refuses the same call twice", async () => {
    const call = await kit.as(org, owner);
    await methodOf(name)(call, newId("llmProvider"), {}, null).catch(() => undefined);
    await expect(methodOf(name)(call, newId("llmProvider"), {}, null)).rejects.toMatchObject({ reason: "replayed" });
  });

  it("refuses each role that it is not for, before anything is done", async () => {
    for (const role of roles.filter((one) => !methodRights[name].includes(one))) {
      const answer = await methodOf(name)(await kit.as(theirs, personOf(role)), provider, {}, null);
      expect([role, answer]).toEqual([role, { ok: false, code: "forbidden" }]);
    }
    expect(listed(await kit.llm.listProviders(await kit.as(theirs, owner)))).toHaveLength(1);
  });
});

describe("the right organisation", () => {
  it("has no provider of another's, whatever is done with it", async () => {
    const change = { settings: settings(kit.servers[0]), key: "sk-mine-now", keepPrevious: true };
    expect(codeOf(await kit.llm.changeProvider(await kit.as(org, owner), provider, change))).toBe("not_found");
    expect(codeOf(await kit.llm.removeProvider(await kit.as(org, owner), provider))).toBe("not_found");
    expect(listed(await kit.llm.listProviders(await kit.as(org, owner)))).toEqual([]);
    expect(codeOf(await kit.ask(org, owner))).toBe("model_unknown");
    expect(listed(await kit.llm.listProviders(await kit.as(theirs, owner)))).toHaveLength(1);
  });
});
