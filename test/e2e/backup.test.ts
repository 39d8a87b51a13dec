import { readdirSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runCliAside } from "../postgres/cli/run-cli.ts";
import { type Api, type EnrolledDevice, enrolDevice, signIn } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

const stateDir = freshStateDir();
let stack: StackProcess;
let api: Api;
const clients: MqttClient[] = [];

beforeAll(async () => {
  stack = await startStackProcess(stateDir, ["--quiet", "--no-agent", "--limit-scale", "1000"]);
  const { owner, url } = stack.description;
  ({ api } = await signIn(url, owner.email, owner.password));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true);
});
afterAll(async () => {
  await stack?.discard();
  removeStateDir(stateDir);
});

async function connect(device: EnrolledDevice): Promise<MqttClient> {
  const { mqtt_url: url, device_id: username, token: password } = device;
  const client = await connectAsync(url, { protocolVersion: 4, username, password, reconnectPeriod: 0 });
  clients.push(client);
  return client;
}

async function listed(): Promise<string[]> {
  const { body } = await api.send<{ items: { id: string }[] }>("GET", "/api/v1/orgs/demo/devices");
  return body.items.map(({ id }) => id).sort();
}

describe("a backup of a living organisation", () => {
  it("brings back list, tokens and hub as they were: who was removed since is in again, who came since is out", async () => {
    const [kept, removed] = [await enrolDevice(api, "kept"), await enrolDevice(api, "removed")];
    const client = await connect(kept);
    await client.publishAsync(`${kept.topic_prefix}reported`, "of then", { qos: 1, retain: true });
    const before = await listed();
    expect(before).toEqual(expect.arrayContaining([kept.device_id, removed.device_id]));

    const key = join(stateDir, "..", "backup.key");
    const to = join(stateDir, "..", "backups");
    expect((await runCliAside(["backup", "make-key", key])).status).toBe(0);
    const world = ["--key-file", key, "--state", stateDir];
    const made = await runCliAside(["backup", "--org", stack.description.org.id, "--to", to, ...world]);
    expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/read again\n$/) });
    const file = join(to, readdirSync(to)[0]!);
    const verified = await runCliAside(["verify", file, ...world]);
    expect(verified.stdout).toMatch(/ {2}devices {2}\d+ rows/);
    // Devices, sessions and what is retained: the hub's own.
    expect(Number(/ {2}\$hub {2}(\d+) rows/.exec(verified.stdout)?.[1])).toBeGreaterThan(before.length);

    expect((await api.send("DELETE", `/api/v1/orgs/demo/devices/${removed.device_id}`)).status).toBeLessThan(300);
    await expect(connect(removed)).rejects.toThrow();
    const late = await enrolDevice(api, "late");
    const lateClient = await connect(late);
    const closed = new Promise<void>((resolve) => lateClient.once("close", () => resolve()));

    const restored = await runCliAside([
      "restore",
      file,
      "--into",
      stack.description.org.id,
      "--confirm",
      "demo",
      ...world,
    ]);
    expect(restored).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`its hub knows the ${before.length} devices of then`),
    });
    await closed;
    expect(await listed()).toEqual(before);
    await connect(removed);
    await expect(connect(late)).rejects.toThrow();
    const { body: log } = await api.send<{ items: { event: { action: string } }[] }>(
      "GET",
      "/api/v1/orgs/demo/audit?type=backup",
    );
    // Newest first: the file, the state before the restore, and the restore itself.
    expect(log.items.slice(0, 4).map(({ event }) => event.action)).toEqual([
      "restored",
      "restore_begun",
      "backed_up",
      "backed_up",
    ]);
    // Whom the restore did not concern was not disturbed, and what it sends is stored.
    expect(client.connected).toBe(true);
    await client.publishAsync(`${kept.topic_prefix}reported`, "of now", { qos: 1, retain: true });
    const again = await runCliAside(["hub", "reconcile", "--org", stack.description.org.id, "--state", stateDir]);
    expect(again).toMatchObject({ status: 0, stdout: `✓ the hub knows ${before.length} devices\n` });
  });

  it("is listed for the owner, with when it was read again", async () => {
    const browser = await launchBrowser();
    try {
      const complaints = new Complaints();
      const page = await browser.newPage();
      complaints.watch(page, /^Failed to load resource: the server responded with a status of 401 /);
      await page.goto(`${stack.description.url}/o/demo/security`);
      await signInByPassword(page, stack.description.owner.email, stack.description.owner.password);
      const backups = page.getByRole("region", { name: "Backups" });
      await backups.getByText("Verified").first().waitFor();
      // The backup, and the one that the restore made of the state before it.
      expect(await backups.getByRole("row").count()).toBe(3);
      expect(await backups.innerText()).toMatch(/\d+(\.\d+)? KB/);
      expect(complaints.all).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
