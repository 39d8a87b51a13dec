import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod/mini";
import { call, callOnce } from "../../../workers/dashboard/src/api/client.ts";
import { wasDeclined } from "../../../workers/dashboard/src/api/problem.ts";
import { StepUp, stepUp } from "../../../workers/dashboard/src/api/step-up.ts";

describe("the question whether it is still you", () => {
  it("is asked once, however many calls wait for its answer", async () => {
    const asker = new StepUp();
    let answer = (_proven: boolean): void => undefined;
    const prompt = vi.fn(() => new Promise<boolean>((resolve) => (answer = resolve)));
    asker.attach(prompt);
    const waiting = [asker.prove("page"), asker.prove("person"), asker.prove("page")];
    answer(true);
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
    expect(prompt).toHaveBeenCalledTimes(1);
  });

  it("is not asked again by a page that reads on after a no, but by a person who presses something", async () => {
    const asker = new StepUp();
    const prompt = vi.fn(async () => false);
    asker.attach(prompt);
    expect(await asker.prove("page")).toBe(false);
    expect(await asker.prove("page")).toBe(false);
    expect(prompt).toHaveBeenCalledTimes(1);
    prompt.mockResolvedValueOnce(true);
    expect(await asker.prove("person")).toBe(true);
    await asker.prove("page");
    expect(prompt).toHaveBeenCalledTimes(3);
  });

  it("is asked of the next person even if the last one said no", async () => {
    const asker = new StepUp();
    const prompt = vi.fn(async () => false);
    asker.attach(prompt);
    await asker.prove("page");
    asker.forget();
    await asker.prove("page");
    expect(prompt).toHaveBeenCalledTimes(2);
  });

  it("is a no where nobody is there to ask it", async () => {
    const asker = new StepUp();
    const detach = asker.attach(async () => true);
    detach();
    expect(await asker.prove("person")).toBe(false);
  });
});

describe("a call that needs a fresh proof", () => {
  const done = z.object({ done: z.boolean() });
  const refusal = () => Response.json({ code: "step_up_required", title: "Prove again" }, { status: 401 });
  const server = vi.fn<typeof fetch>();
  let detach = (): void => undefined;
  beforeEach(() => vi.stubGlobal("fetch", server));
  afterEach(() => {
    detach();
    server.mockReset();
    stepUp.forget();
    vi.unstubAllGlobals();
  });

  it("is made once more, the same, after the proof", async () => {
    detach = stepUp.attach(async () => true);
    server.mockResolvedValueOnce(refusal()).mockResolvedValueOnce(Response.json({ done: true }));
    const options = { method: "PATCH", body: { role: "admin" }, idempotencyKey: "k1" } as const;
    expect(await call("/orgs/demo/members/usr_1", done, options)).toEqual({ done: true });
    const [first, second] = server.mock.calls;
    expect(second).toEqual(first);
    expect(second?.[1]).toMatchObject({ method: "PATCH", body: '{"role":"admin"}' });
  });

  it("asks no second time when the server is still not content: the refusal is shown", async () => {
    const prompt = vi.fn(async () => true);
    detach = stepUp.attach(prompt);
    server.mockImplementation(async () => refusal());
    await expect(call("/x", done, { method: "POST", body: {} })).rejects.toMatchObject({
      fields: { code: "step_up_required" },
    });
    expect(prompt).toHaveBeenCalledTimes(1);
    expect(server).toHaveBeenCalledTimes(2);
  });

  it("is not made again when the person says no, and that is no failure to show", async () => {
    detach = stepUp.attach(async () => false);
    server.mockResolvedValueOnce(refusal());
    const failure = await call("/x", done, { method: "DELETE" }).catch((error: unknown) => error);
    expect(wasDeclined(failure)).toBe(true);
    expect(server).toHaveBeenCalledTimes(1);
  });

  it("asks nothing while the proof itself is under way", async () => {
    const prompt = vi.fn(async () => true);
    detach = stepUp.attach(prompt);
    server.mockResolvedValueOnce(refusal());
    await expect(callOnce("/me/step-up", done, { method: "POST", body: {} })).rejects.toMatchObject({
      fields: { code: "step_up_required" },
    });
    expect(prompt).not.toHaveBeenCalled();
  });
});
