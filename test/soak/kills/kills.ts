import type { EnrolledDevice } from "../../e2e/support/api.ts";
import { openOrganisation } from "../database.ts";
import { between, hold, type Progress, pause, type SoakOptions, seededRandom } from "../part.ts";
import { enrolDevices, signInAsOwner, withStack } from "../stacks.ts";
import { ApiLoad } from "./api-load.ts";
import { LoadedDevice } from "./devices.ts";
import { checkAudit, checkSamples } from "./invariants.ts";
import { MessageLoad } from "./message-load.ts";
import { type Victim, Victims, victims } from "./victims.ts";

const devicesCount = 6;
/** How long the devices may wait for their last PUBACKs, in milliseconds. */
const acknowledgeMsMax = 120_000;
/** Outbox and audit drain back off by up to five minutes after a run of failures. */
const settleMsMax = 7 * 60_000;

/** Kills parts of the real stack under load; whatever was acknowledged or answered must be there afterwards. */
export function soakKills({ rounds, seed, hubShards }: SoakOptions, progress: Progress): Promise<string> {
  progress.say("starting the stack");
  return withStack(
    async (stack) => {
      const { description, stateDir } = stack;
      const random = seededRandom(seed);
      const database = await openOrganisation(description.databaseUrls, description.org.id);
      const enrolled = await enrolDevices(stack, devicesCount + 2);
      const { api, userId } = await signInAsOwner(stack);
      const reader = { org: description.org.id, username: userId, password: api.token ?? "" };
      const [first, second, ...others] = enrolled as [EnrolledDevice, EnrolledDevice, ...EnrolledDevice[]];
      const messages = await MessageLoad.start([first, second], reader, hubShards > 1);
      const devices = others.map((device) => new LoadedDevice(device));
      const load = new ApiLoad(api);
      const parts = new Victims(stateDir, description.url);
      const kills: Record<Victim, number> = { workerd: 0, gateway: 0, postgres: 0, postgres_2: 0 };
      const figures = (): string => {
        const sent = devices.reduce((sum, device) => sum + device.sent.length, 0);
        const acknowledged = devices.reduce((sum, device) => sum + device.acknowledged.size, 0);
        const givenBack = devices.reduce((sum, device) => sum + device.givenBack.size, 0);
        return `${acknowledged} of ${sent} samples acknowledged (${givenBack} given back by MQTT.js), messages: ${messages.figures}, ${load.answered.length} requests answered, ${load.unanswered} not`;
      };
      for (let round = 1; round <= rounds; round += 1) {
        progress.say(() => `round ${round} of ${rounds}: ${figures()}`);
        await messages.flows();
        await pause(between(random, 0, 1500));
        await killSome(parts, random, kills);
        await messages.checkRetained(round % 2 === 0 ? 4 : 5);
      }
      progress.say(() => `waiting for the last acknowledgements: ${figures()}`);
      await load.finish();
      await Promise.all(devices.map((device) => device.finish(acknowledgeMsMax)));
      for (const device of devices)
        hold(device.waiting === 0, `${device.id} still waits for ${device.waiting} acknowledgements`);
      progress.say(() => `waiting for the last messages: ${figures()}`);
      await messages.finish();
      messages.close();
      const settledMs = await settle(progress, async () => {
        const samples = checkSamples(devices, await database.samples());
        return samples ?? checkAudit(await database.events(), load.answered);
      });
      const leaves = await database.verifyLeaves();
      hold(leaves.bad === null, `audit entry ${leaves.bad?.seq}: ${leaves.bad?.reason}: ${leaves.bad?.detail}`);
      const listed = await groupNames(api);
      const lost = load.groups.find((name) => !listed.has(name));
      hold(lost === undefined, `the group "${lost}" was answered by 201 and is not there`);
      const killed = Object.entries(kills).map(([name, count]) => `${name} ${count}`);
      const failed = load.answered.filter((request) => request.status >= 500).length;
      return `${rounds} rounds (${killed.join(", ")}); ${figures()}, ${failed} by 5xx; ${messages.more}; all samples there once and in order ${(settledMs / 1000).toFixed(0)} s after the last; ${leaves.entries} audit leaves verified`;
    },
    ["--hub-shards", String(hubShards)],
  );
}

/** workerd, and up to two more within two seconds, so that some hit a system that is just coming back. */
async function killSome(parts: Victims, random: () => number, kills: Record<Victim, number>): Promise<void> {
  const killed = new Map<Victim, number>();
  for (let more = between(random, 0, 2); more >= 0; more -= 1) {
    const victim = more === 0 ? "workerd" : (victims[between(random, 0, victims.length - 1)] as Victim);
    const pid = parts.kill(victim);
    if (pid !== null) {
      kills[victim] += 1;
      killed.set(victim, pid);
    }
    await pause(between(random, 0, 700));
  }
  await parts.back(killed);
}

/** Waits until `check` finds nothing wrong. @returns how long it took; @throws Violation with what is still wrong */
async function settle(progress: Progress, check: () => Promise<string | null>): Promise<number> {
  const startedAtMs = Date.now();
  for (;;) {
    const problem = await check();
    if (problem === null) return Date.now() - startedAtMs;
    progress.say(`not yet: ${problem}`);
    hold(Date.now() - startedAtMs < settleMsMax, problem);
    await pause(1000);
  }
}

async function groupNames(api: Awaited<ReturnType<typeof signInAsOwner>>["api"]): Promise<Set<string>> {
  const names = new Set<string>();
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { body: { items: { name: string }[]; next_cursor: string | null } } = await api.send(
      "GET",
      `/api/v1/orgs/demo/groups?limit=200${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    for (const { name } of page.body.items) names.add(name);
    cursor = page.body.next_cursor;
  }
  return names;
}
