/** Backups that the platform makes by itself, on everything as it is started: Workers, objects, bucket, clock, tool. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCliAside } from "../postgres/cli/run-cli.ts";
import { type Api, enrolDevice, signIn } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

interface Run {
  readonly id: string;
  readonly state: string;
  readonly failure: string | null;
}
/** The clock begins what is queued within a minute. */
const clockMsMax = 240_000;

const stateDir = freshStateDir();
let stack: StackProcess;
let api: Api;

beforeAll(async () => {
  stack = await startStackProcess(stateDir, ["--quiet", "--no-agent", "--limit-scale", "1000", "--pace", "12"]);
  const { owner, url } = stack.description;
  ({ api } = await signIn(url, owner.email, owner.password));
});
afterAll(async () => {
  await stack?.discard();
  removeStateDir(stateDir);
});

const listed = async (): Promise<string[]> => {
  const { body } = await api.send<{ items: { id: string }[] }>("GET", "/api/v1/orgs/demo/devices");
  return body.items.map(({ id }) => id).sort();
};
/** Waits until the newest run has ended. */
async function ended(id: string): Promise<Run> {
  let run: Run | undefined;
  await expect
    .poll(
      async () => {
        const { body } = await api.send<{ items: Run[] }>("GET", "/api/v1/orgs/demo/backups/runs");
        run = body.items.find((each) => each.id === id);
        return run?.state;
      },
      { timeout: clockMsMax, interval: 1_000 },
    )
    .toMatch(/done|failed/);
  return run as Run;
}

describe("a backup that the platform makes", () => {
  it("is made by the clock when an owner asks, and brings everything back by the operator's tool", {
    timeout: clockMsMax * 2,
  }, async () => {
    const kept = await enrolDevice(api, "kept");
    const before = await listed();
    const asked = await api.send<Run>("POST", "/api/v1/orgs/demo/backups");
    expect([asked.status, asked.body.state]).toEqual([202, "queued"]);
    const { id } = asked.body;
    expect(await ended(id)).toMatchObject({ state: "done", failure: null });

    const org = ["--org", stack.description.org.id];
    const world = ["--state", stateDir];
    expect((await runCliAside(["backup", "list", ...org, ...world])).stdout).toMatch(
      new RegExp(`^${id} .* platform .* read again`, "m"),
    );
    const verified = await runCliAside(["verify", `r2:${id}`, ...org, ...world]);
    expect(verified).toMatchObject({ status: 0, stdout: expect.stringMatching(/ {2}devices {2}\d+ rows/) });
    // Devices and what the hub knows of them, and the organisation's log.
    for (const stream of ["\\$hub", "\\$audit\\.events", "\\$control\\.memberships"])
      expect(Number(new RegExp(` {2}${stream} {2}(\\d+) rows`).exec(verified.stdout)?.[1]), stream).toBeGreaterThan(0);

    expect((await api.send("DELETE", `/api/v1/orgs/demo/devices/${kept.device_id}`)).status).toBeLessThan(300);
    const present = await api.send<Run>("POST", "/api/v1/orgs/demo/backups");
    await ended(present.body.id);
    const into = ["--into", stack.description.org.id, "--confirm", "demo", "--before", present.body.id];
    const restored = await runCliAside(["restore", id, ...into, ...world]);
    expect(restored).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`its hub knows the ${before.length} devices of then`),
    });
    expect(await listed()).toEqual(before);
    const { body: log } = await api.send<{ items: { event: { action: string; backup_id: string } }[] }>(
      "GET",
      "/api/v1/orgs/demo/audit?type=backup",
    );
    expect(log.items.map(({ event }) => event.action)).toEqual([
      "restored",
      "restore_begun",
      "opened",
      "opened",
      "backed_up",
      "requested",
      "opened",
      "backed_up",
      "requested",
    ]);
  });

  it("is asked for by a button, and seen to be made", { timeout: clockMsMax }, async () => {
    const browser = await launchBrowser();
    try {
      const complaints = new Complaints();
      const page = await browser.newPage();
      complaints.watch(page, /^Failed to load resource: the server responded with a status of 401 /);
      await page.goto(`${stack.description.url}/o/demo/security`);
      await signInByPassword(page, stack.description.owner.email, stack.description.owner.password);
      const backups = page.getByRole("region", { name: "Backups" });
      await backups.getByText("Verified").first().waitFor();
      await backups.getByRole("button", { name: "Back up now" }).click();
      await backups
        .getByText(/Waits for its turn|Being made/)
        .first()
        .waitFor();
      await expect.poll(() => backups.getByText("Verified").count(), { timeout: clockMsMax, interval: 1_000 }).toBe(3);
      expect(complaints.all).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
