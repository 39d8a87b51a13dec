/** Workers AI through workerd's own binding, over the whole stack and by hand in Chromium, with a server on loopback behind it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { type LlmServer, startLlmServer } from "../support/llm-provider.ts";
import { violations } from "./support/accessibility.ts";
import { Api, signIn } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

const pictures = join(repositoryRoot, "test-results", "screenshots");
const stateDir = freshStateDir();
const settings = { LOOPBACK_WORKERS_AI: "", WORKERS_AI_MODELS: "@cf/meta/llama=1/2, @cf/baai/bge=0.01/0" };
const complaints = new Complaints();
let behind: LlmServer;
let stack: StackProcess;
let owner: Api;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  behind = await startLlmServer();
  Object.assign(process.env, settings, { LOOPBACK_WORKERS_AI: behind.origin });
  const flags = ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "1000"];
  [browser, stack] = await Promise.all([launchBrowser(), startStackProcess(stateDir, flags)]);
  const { url } = stack.description;
  const { email, password } = stack.description.owner;
  owner = (await signIn(url, email, password)).api;
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  complaints.watch(page, /^Failed to load resource: the server responded with a status of (401|422) /);
  await page.goto(`${url}/o/demo/language-models`);
  await signInByPassword(page, email, password);
  await page.getByText("No provider yet").waitFor();
}, 300_000);
afterAll(async () => {
  for (const name of Object.keys(settings)) delete process.env[name];
  await browser?.close();
  await stack?.stop();
  await behind?.stop();
  removeStateDir(stateDir);
});

const providers = "/api/v1/orgs/demo/llm/providers";
const chat = "/api/v1/orgs/demo/llm/chat/completions";
const given = {
  name: "Platform",
  kind: "workers_ai",
  models: [{ name: "small", upstream: "@cf/meta/llama" }],
  roles: ["owner"],
  monthly_budget_micros: 1_000_000,
};
const messages = [{ role: "user", content: "mail asha@example.com about the excursion" }];
const card = () => page.getByRole("region", { name: "Platform" });
const shoot = (name: string): Promise<unknown> =>
  page.screenshot({ path: join(pictures, `language-models-${name}.png`), fullPage: true });

describe("the platform's own models", { timeout: 180_000 }, () => {
  it("are no organisation's on a plan that has none of them, and are not offered there", async () => {
    const { status, body } = await owner.send("POST", providers, given);
    expect([status, body["code"], body["limit"]]).toEqual([403, "quota_exceeded", 0]);
    const listed = await owner.send("GET", providers);
    expect(listed.body).toMatchObject({ items: [], workers_ai: { monthly_micros_max: 0 } });
    await page.getByRole("button", { name: "Add a provider" }).click();
    const kinds = page.getByRole("dialog").getByRole("combobox", { name: "Kind" });
    await kinds.click();
    await page.getByRole("option", { name: "Anthropic’s own format" }).waitFor();
    expect(await page.getByRole("option", { name: /Workers AI/ }).count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    const { url, operatorTokenFile } = stack.description;
    const operator = new Api(url, readFileSync(operatorTokenFile, "utf8").trim());
    const moved = await operator.send("POST", "/api/v1/operator/orgs/demo/plan", { plan: "school" });
    expect(moved.status).toBeLessThan(300);
  });

  it.each([
    [{ key: "sk-some-key" }, "key"],
    [{ base_url: "https://api.openai.com/v1" }, "base_url"],
    [{ grace_days: 7 }, "grace_days"],
    [{ models: [{ ...given.models[0], input_micros_per_million: 0 }] }, "models.0.input_micros_per_million"],
    [{ models: [{ name: "small", upstream: "@cf/other" }] }, "models"],
    [{ kind: "openai" }, "base_url"],
  ])("are refused with %j, by the field that is wrong", async (wrong, path) => {
    const { status, body } = await owner.send<{ errors: { path: string }[] }>("POST", providers, {
      ...given,
      ...wrong,
    });
    expect([status, body.errors.map((error) => error.path)]).toEqual([422, expect.arrayContaining([path])]);
    expect((await owner.send("GET", providers)).body).toMatchObject({ items: [] });
  });

  it("are added by hand: no address, no key, no days of grace, at the operator's price", async () => {
    await page.reload();
    await page.getByRole("button", { name: "Add a provider" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("API key").waitFor();
    await dialog.getByRole("combobox", { name: "Kind" }).click();
    await page.getByRole("option", { name: "Workers AI, without a key" }).click();
    for (const label of ["API key", "Address of its API", "Days of grace", "Price of what is asked"])
      expect(await dialog.getByLabel(label).count()).toBe(0);
    await dialog.getByText("Your plan allows $50.00 of them a month").waitFor();
    await dialog.getByLabel("Name", { exact: true }).fill("Platform");
    await dialog.getByLabel("Name people ask for").fill("small");
    await dialog.getByRole("button", { name: "Add provider" }).click();
    await dialog.getByText("Choose which model it is.").waitFor();
    await dialog.getByRole("combobox", { name: "Model" }).click();
    await page.getByRole("option", { name: "@cf/meta/llama" }).click();
    await dialog.getByText("$1.00 asked, $2.00 answered, a million tokens.").waitFor();
    expect(await dialog.getByText("Choose which model it is.").count()).toBe(0);
    await shoot("workers-ai-add");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Add provider" }).click();
    await card().getByText("Needs no key").waitFor();
    await card().getByText("$1.00 asked, $2.00 answered").waitFor();
    await card().getByText("Whoever runs Sentinel").waitFor();
    expect(
      await card()
        .getByRole("button", { name: /Rotate/ })
        .count(),
    ).toBe(0);
    expect(await card().getByText("Key is due").count()).toBe(0);
    await shoot("workers-ai");
  });

  it("answer through the binding, masked, whole and in events, and are counted", async () => {
    behind.deeds = [{ say: ({ body }) => body.messages[0].content, pieces: 40 }];
    const whole = await owner.send("POST", chat, { model: "small", messages });
    expect([whole.status, JSON.stringify(whole.body).includes("asha@example.com")]).toEqual([200, true]);
    const response = await fetch(`${owner.base}${chat}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${owner.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: "small", messages, stream: true }),
    });
    const events = (await response.text()).split("\n\n").filter((event) => event !== "");
    expect([events.length > 10, events.at(-1)]).toEqual([true, "data: [DONE]"]);
    const heard = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "");
    expect(heard.join("")).toBe(messages[0]?.content);
    expect(behind.asked.map(({ path }) => path)).toEqual(["@cf/meta/llama", "@cf/meta/llama"]);
    expect(JSON.stringify(behind.asked)).not.toContain("asha@");
    const used = await owner.send<{ items: object[] }>("GET", "/api/v1/orgs/demo/llm/usage");
    expect(used.body.items).toMatchObject([{ model: "small", requests: 2, cost_micros: 2 * (5 * 1 + 3 * 2) }]);
  });

  it("show their first words before they have said their last, and are left when nobody listens", async () => {
    behind.deeds = ["never end"];
    const gone = new AbortController();
    const response = await fetch(`${owner.base}${chat}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${owner.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: "small", messages, stream: true }),
      signal: gone.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let heard = "";
    while (!heard.includes("as I was")) heard += (await reader?.read())?.value ?? "";
    gone.abort();
    await expect.poll(() => behind.open(), { timeout: 60_000 }).toBe(0);
  });

  it("are no key, and leave none on record", async () => {
    for (const method of ["GET", "DELETE"] as const)
      expect((await owner.send(method, "/api/v1/orgs/demo/llm/keys/Platform")).status).toBe(404);
    const log = await owner.send<{ items: { type: string }[] }>("GET", "/api/v1/orgs/demo/audit?type=key_change");
    expect(JSON.stringify(log.body)).not.toContain("llm_key");
    const changes = await owner.send("GET", "/api/v1/orgs/demo/audit?type=policy_change");
    expect(JSON.stringify(changes.body)).toContain("llm_provider");
  });

  it("are edited on a telephone in the dark, and stay what they are", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.reload();
    await card().getByText("Needs no key").waitFor();
    await shoot("workers-ai-telephone");
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await card().getByRole("button", { name: "Edit Platform" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByRole("combobox", { name: "Kind" }).count()).toBe(0);
    await dialog.getByRole("button", { name: "Add another model" }).click();
    await dialog.getByLabel("Name people ask for").nth(1).fill("vectors");
    await dialog.getByRole("combobox", { name: "Model" }).nth(1).click();
    await page.getByRole("option", { name: /@cf\/baai\/bge/ }).click();
    await dialog.getByLabel("Dollars a month").fill("3");
    await shoot("workers-ai-telephone-edit");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Save" }).click();
    await card().getByText("of $3.00 spent this month").waitFor();
    await card().getByText("vectors").waitFor();
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    behind.deeds = [{ say: "", usage: { prompt_tokens: 7 } }];
    const { status, body } = await owner.send("POST", "/api/v1/orgs/demo/llm/embeddings", {
      model: "vectors",
      input: ["mail asha@example.com"],
    });
    expect([status, body]).toMatchObject([200, { data: [{ embedding: [14, 0.5, -0.25] }] }]);
    expect(behind.asked.at(-1)?.body).toEqual({ text: ["mail [EMAIL_1]"] });
  });

  it("are taken away, and asked no more", async () => {
    await card().getByRole("button", { name: "Remove Platform" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Remove provider" }).click();
    await page.getByText("No provider yet").waitFor();
    const asked = behind.asked.length;
    expect((await owner.send("POST", chat, { model: "small", messages })).status).toBe(422);
    expect(behind.asked).toHaveLength(asked);
  });

  it("complain of nothing", () => {
    expect(complaints.all).toEqual([]);
  });
});
