import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Api, signIn } from "./support/api.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

/** Limits as they are delivered. */
let stack: StackProcess;
let owner: Api;
let codes: string;

beforeAll(async () => {
  stack = await startStackProcess(freshStateDir(), ["--quiet", "--no-agent"]);
  const { url, owner: account } = stack.description;
  owner = (await signIn(url, account.email, account.password)).api;
  const { slug } = stack.description.org;
  codes = `/api/v1/orgs/${slug}/enrollment-codes`;
  // More machines than a new organisation may have.
  const operator = new Api(url, readFileSync(stack.description.operatorTokenFile, "utf8").trim());
  const { status } = await operator.send("POST", `/api/v1/operator/orgs/${slug}/plan`, { plan: "school" });
  expect(status).toBeLessThan(300);
});
afterAll(async () => {
  await stack?.discard();
});

interface Outcome {
  readonly status: number;
  readonly fields: string;
  readonly retryAfter: string | null;
}

/** Enrols from an address, as a machine would: with nothing but the code. */
async function enrol(code: string, address: string): Promise<Outcome> {
  const answer = await fetch(`${stack.description.url}/api/v1/enroll`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "CF-Connecting-IP": address },
    body: JSON.stringify({ code, name: "pupil", platform: "linux" }),
  });
  await answer.text();
  const { status, headers } = answer;
  return { status, fields: headers.get("RateLimit") ?? "", retryAfter: headers.get("Retry-After") };
}

async function newCode(maxUses: number): Promise<{ id: string; code: string }> {
  const input = { name: "school", max_uses: maxUses, expires_in_seconds: 3600 };
  const { status, body } = await owner.send<{ id: string; code: string }>("POST", codes, input);
  expect(status).toBe(201);
  return body;
}

/** So many at a time, as from a room of machines that are switched on. */
async function together<T>(count: number, atOnce: number, work: () => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let left = count;
  const run = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      done.push(await work());
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return done;
}
const withStatus = (outcomes: readonly Outcome[], status: number): Outcome[] =>
  outcomes.filter((outcome) => outcome.status === status);

describe("a school behind one address", () => {
  const school = "203.0.113.50";

  it("enrols 500 machines in a roll-out", async () => {
    const { id, code } = await newCode(500);
    const opened = await owner.send<{ rollout: { per_minute: number } }>("PUT", `${codes}/${id}/rollout`, {
      per_minute: 600,
      minutes: 10,
    });
    expect([opened.status, opened.body.rollout.per_minute]).toEqual([200, 600]);
    const outcomes = await together(500, 50, () => enrol(code, school));
    expect(withStatus(outcomes, 201)).toHaveLength(500);
    expect(outcomes[0]?.fields).toMatch(/"enrollment_code";r=\d+;t=\d+/);
    // Its uses are spent: from here on it is no code.
    expect((await enrol(code, school)).status).toBe(403);
  }, 180_000);

  it("enrols ten a minute without one, wherever they are, and hears when to go on", async () => {
    const { code } = await newCode(50);
    const addresses = Array.from({ length: 30 }, (_, index) => `198.51.100.${index + 1}`);
    const outcomes = await together(30, 30, () => enrol(code, addresses.pop() ?? ""));
    expect(withStatus(outcomes, 201)).toHaveLength(10);
    const refused = withStatus(outcomes, 429);
    expect(refused).toHaveLength(20);
    expect(refused[0]?.fields).toMatch(/"enrollment_code";r=0;t=\d+/);
    expect(Number(refused[0]?.retryAfter)).toBeGreaterThan(0);
  }, 60_000);
});

describe("whoever guesses codes", () => {
  it("has ten misses a minute, however many at once, and bars no machine that has a code", async () => {
    const address = "203.0.113.99";
    const { code } = await newCode(5);
    expect((await enrol(code, address)).status).toBe(201);
    const wrong = (): string => {
      const random = crypto.getRandomValues(new Uint8Array(20));
      const secret = Array.from(random, (byte) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[byte & 31]).join("");
      return `${stack.description.org.slug}-${secret}`;
    };
    const outcomes = await together(100, 100, () => enrol(wrong(), address));
    expect([withStatus(outcomes, 403).length, withStatus(outcomes, 429).length]).toEqual([10, 90]);
    expect((await enrol(code, address)).status).toBe(201);
    expect((await enrol(wrong(), "203.0.113.98")).status).toBe(403);
  }, 60_000);
});

describe("opening a roll-out", () => {
  it("is on record, and not for everybody", async () => {
    const { id } = await newCode(1);
    const window = { per_minute: 100, minutes: 5 };
    expect((await new Api(stack.description.url).send("PUT", `${codes}/${id}/rollout`, window)).status).toBe(401);
    expect((await owner.send("PUT", `${codes}/${id}/rollout`, { ...window, per_minute: 601 })).status).toBe(422);
    expect((await owner.send("PUT", `${codes}/${id}/rollout`, window)).status).toBe(200);
    const audit = `/api/v1/orgs/${stack.description.org.slug}/audit?limit=50`;
    const { body } = await owner.send<{ items: { event: { endpoint?: string; status_code?: number } }[] }>(
      "GET",
      audit,
    );
    const calls = body.items.filter((item) => JSON.stringify(item).includes("enrollment-codes/{code}/rollout"));
    expect(JSON.stringify(calls)).toContain('"status_code":200');
  });
});
