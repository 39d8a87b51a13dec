/** Reminders of language models' keys: whom the clock tells, of what, and how often. */
import { beforeEach, describe, expect, it } from "vitest";
import type { LlmKeyAge } from "../../../core/rpc/billing.ts";
import { meter } from "../../../workers/studio/billing/metering.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asSuperuser, newRequestId } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

const day = 86_400_000;
const given = Date.parse("2026-11-01T09:00:00Z");
const provider = "llm_01m83c1ve2e6qb5ysxjcz9bw34" as LlmKeyAge["provider"];

let studio: Harness;
let services: Services;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
/** What the tenant's database says. */
let keys: LlmKeyAge[];
/** What a mail to somebody does; null: it leaves. */
let mailFails: ((text: string) => boolean) | null;
beforeEach(async () => {
  mailFails = null;
  studio = await createHarness((made) => {
    services = {
      ...made,
      billing: {
        ...made.billing,
        measure: async (...call) => {
          const measured = await made.billing.measure(...call);
          return measured.ok ? { ok: true, value: { ...measured.value, llmKeys: keys } } : measured;
        },
      },
      sendMail: async (mail) => {
        if (mailFails?.(mail.text) === true) throw new Error("no mail leaves");
        await made.sendMail(mail);
      },
    };
    return services;
  });
  org = await studio.newOrg();
  studio.mails.length = 0;
  keys = [{ provider, name: "School models", since: new Date(given).toISOString(), graceDays: 7 }];
});

const run = () => meter(services, scopeOf(org.id), newRequestId());
const at = async (ms: number): Promise<void> => {
  studio.clock.nowMs = ms;
  await run();
};
const subjects = (to = org.owner.email) => studio.mails.filter((mail) => mail.to === to).map(({ subject }) => subject);
const week = "A key of a language model's provider is due within a week";
const dayBefore = "A key of a language model's provider is due";
const blocked = "A key of a language model's provider is not used any more";

describe("a key of a provider", () => {
  it("is told of a week before it is due, a day before, and when it is not used any more, each once", async () => {
    for (let hour = 0; hour < 45 * 24; hour += 4) {
      studio.clock.nowMs = given + hour * 3_600_000;
      // The clock strikes twice at once, too.
      await Promise.all([run(), run()]);
    }
    expect(subjects()).toEqual([week, dayBefore, blocked]);
    const [first] = studio.mails;
    expect(first?.text).toContain('The key of "School models"');
    expect(first?.text).toContain(`in "${org.slug}"`);
    expect(first?.text).toContain("2026-12-01 09:00 UTC");
    expect(first?.text).toContain("2026-12-08 09:00 UTC");
    expect(first?.text).toContain(`/o/${org.slug}/language-models`);
  }, 300_000);

  it.each([
    [given + 23 * day - 1, []],
    [given + 23 * day, [week]],
    [given + 29 * day - 1, [week]],
    [given + 29 * day, [dayBefore]],
    [given + 37 * day - 1, [dayBefore]],
    [given + 37 * day, [blocked]],
  ])("is told of at %i as it is then, and not of what came before", async (ms, told) => {
    await at(ms);
    expect(subjects()).toEqual(told);
  });

  it("that has no days of grace is told of as not used the moment it is due", async () => {
    keys = keys.map((key) => ({ ...key, graceDays: 0 }));
    await at(given + 30 * day);
    expect(subjects()).toEqual([blocked]);
  });

  it("begins anew with the next key, and what was known of the one before is forgotten", async () => {
    await at(given + 23 * day);
    const next = given + 24 * day;
    keys = keys.map((key) => ({ ...key, since: new Date(next).toISOString() }));
    await at(next);
    await at(next + 23 * day);
    await at(next + 23 * day + 3_600_000);
    expect(subjects()).toEqual([week, week]);
    expect(await asSuperuser("SELECT stage FROM control.llm_key_reminders WHERE org_id = $1", [org.id])).toHaveLength(
      1,
    );
  });

  it("is told to owners and admins, and to nobody else", async () => {
    const admin = await studio.newMember(org, "admin");
    const viewer = await studio.newMember(org, "viewer");
    const gone = await studio.newMember(org, "admin");
    await asSuperuser("UPDATE control.memberships SET disabled_at = now() WHERE user_id = $1", [gone.id]);
    studio.mails.length = 0;
    await at(given + 23 * day);
    expect([subjects(), subjects(admin.email), subjects(viewer.email), subjects(gone.email)]).toEqual([
      [week],
      [week],
      [],
      [],
    ]);
  });

  it("whose mail did not leave is told of when the clock asks again, and the others' keep nobody waiting", async () => {
    const another = "llm_01m83c1ve2e6qb5ysxjcz9bw35" as LlmKeyAge["provider"];
    keys.push({ ...(keys[0] as LlmKeyAge), provider: another, name: "Others" });
    mailFails = (text) => text.includes("School models");
    studio.clock.nowMs = given + 23 * day;
    await expect(run()).rejects.toThrow("no mail leaves");
    expect(studio.mails.map(({ text }) => text.includes("Others"))).toEqual([true]);
    mailFails = null;
    // Whoever took it on may still be at it.
    await at(given + 23 * day + 60_000);
    expect(subjects()).toEqual([week]);
    await at(given + 23 * day + 3_600_000);
    expect(subjects()).toEqual([week, week]);
    await at(given + 23 * day + 2 * 3_600_000);
    expect(subjects()).toEqual([week, week]);
  });

  it("has a name that is no line of its own in a mail", async () => {
    keys = keys.map((key) => ({ ...key, name: "x\r\nBcc: y@z.test" }));
    await at(given + 23 * day);
    expect(studio.mails[0]?.text).not.toMatch(/^Bcc:/m);
  });
});
