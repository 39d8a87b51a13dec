import { openOrganisation } from "../database.ts";
import { type Victim, Victims, victims } from "../kills/victims.ts";
import { between, hold, type Progress, pause, type SoakOptions, seededRandom } from "../part.ts";
import { enrolDevices, signInAsOwner, withStack } from "../stacks.ts";
import { type AuditDatabase, openAuditDatabase } from "./database.ts";
import { LogFollower } from "./follow.ts";
import { RequestLoad, requestKinds } from "./requests.ts";

const devicesCount = 3;
const lanes = 4;
/** The drain of a log backs off by up to five minutes after a run of failures. */
const settleMsMax = 7 * 60_000;
const groupsPath = "/api/v1/orgs/{org}/groups";
const commandsPath = "/api/v1/orgs/{org}/devices/{device}/commands";

/** Kills parts of the real stack under requests; after each round every answer is in the log, once and as it was given. */
export function soakAudit({ rounds, seed }: SoakOptions, progress: Progress): Promise<string> {
  progress.say("starting the stack");
  return withStack(async (stack) => {
    const { description, stateDir } = stack;
    const random = seededRandom(seed);
    const devices = await enrolDevices(stack, devicesCount);
    const { api } = await signInAsOwner(stack);
    const database = await openAuditDatabase(Object.values(description.databaseUrls), description.org.id);
    const before = { groups: await database.groups(), commands: await database.commands() };
    const follower = new LogFollower();
    const load = new RequestLoad({ api, ...description.owner }, devices, lanes, random);
    const parts = new Victims(stateDir, description.url);
    const kills: Record<Victim, number> = { workerd: 0, gateway: 0, postgres: 0, postgres_2: 0 };
    const figures = (): string =>
      `${load.answered.length} requests answered, ${load.unanswered} not, ${follower.entries} entries, ${follower.openIntents} intents open`;
    for (let round = 1; round <= rounds; round += 1) {
      progress.say(() => `round ${round} of ${rounds}: ${figures()}`);
      await pause(between(random, 200, 2000));
      await killSome(parts, random, kills);
      await compare(progress, database, follower, load, `round ${round}`);
    }
    await load.finish();
    await compare(progress, database, follower, load, "the end");
    const settledMs = await close(progress, database, follower);
    hold(
      (await database.groups()) - before.groups === follower.done(groupsPath),
      "groups are not as many as the log says were made",
    );
    hold(
      (await database.commands()) - before.commands === follower.done(commandsPath),
      "commands are not as many as the log says were sent",
    );
    const { verifyLeaves } = await openOrganisation(description.databaseUrls, description.org.id);
    const leaves = await verifyLeaves();
    hold(leaves.bad === null, `audit entry ${leaves.bad?.seq}: ${leaves.bad?.reason}: ${leaves.bad?.detail}`);
    const killed = Object.entries(kills).map(([name, count]) => `${name} ${count}`);
    const results = new Map<string, number>();
    for (const { outcome } of follower.pairs)
      results.set(outcome?.result ?? "open", (results.get(outcome?.result ?? "open") ?? 0) + 1);
    const kinds = requestKinds.map(
      (kind) => `${kind} ${load.answered.filter((answer) => answer.kind === kind).length}`,
    );
    const failed = load.answered.filter(({ status }) => status >= 500).length;
    return `${rounds} rounds (${killed.join(", ")}); ${figures()} (${kinds.join(", ")}; ${failed} by 5xx), each that was not refused in the log once, in order and as it was answered; outcomes: ${[...results].map(([name, n]) => `${name} ${n}`).join(", ")}, all true ${(settledMs / 1000).toFixed(0)} s after the last kill; ${leaves.entries} leaves verified`;
  });
}

/** One to three parts within two seconds, so that some hit a system that is just coming back. */
async function killSome(parts: Victims, random: () => number, kills: Record<Victim, number>): Promise<void> {
  const killed = new Map<Victim, number>();
  for (let more = between(random, 1, 3); more > 0; more -= 1) {
    const victim = victims[between(random, 0, victims.length - 1)] as Victim;
    const pid = parts.kill(victim);
    if (pid !== null) {
      kills[victim] += 1;
      killed.set(victim, pid);
    }
    await pause(between(random, 0, 700));
  }
  await parts.back(killed);
}

/** Holds everything that is answered by now against the logs, for as long as entries may still be on their way. */
async function compare(
  progress: Progress,
  database: AuditDatabase,
  follower: LogFollower,
  load: RequestLoad,
  when: string,
): Promise<void> {
  const answered = load.answered.slice();
  for (const end = Date.now() + settleMsMax; ; await pause(300)) {
    const wrong = await database.follow(follower);
    hold(wrong === null, `${when}: ${wrong}`);
    const { problem, missing } = follower.check(answered);
    hold(problem === null, `${when}: ${problem}`);
    if (missing === null) break;
    progress.say(`${when}: not yet: ${missing}`);
    hold(Date.now() < end, `${when}: ${missing}`);
  }
  await truth(database, follower, when);
}

/** Receipts are read after the outcomes that are judged by them. */
async function truth(database: AuditDatabase, follower: LogFollower, when: string): Promise<void> {
  const untrue = follower.checkTruth(
    await database.receipts(),
    (endpoint) => endpoint === groupsPath || endpoint === commandsPath,
  );
  hold(untrue === null, `${when}: ${untrue}`);
}

/** Waits until every intent has its outcome. @returns how long that took, in milliseconds */
async function close(progress: Progress, database: AuditDatabase, follower: LogFollower): Promise<number> {
  const startedAtMs = Date.now();
  for (;;) {
    const wrong = await database.follow(follower);
    hold(wrong === null, `${wrong}`);
    if (follower.openIntents === 0) break;
    progress.say(`${follower.openIntents} intents wait for their outcome`);
    hold(Date.now() - startedAtMs < settleMsMax, `${follower.openIntents} intents have no outcome`);
    await pause(1000);
  }
  await truth(database, follower, "the end");
  return Date.now() - startedAtMs;
}
