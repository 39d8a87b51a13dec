/** Who is mailed when the log says that somebody should look, and how often. Patterns are found by the log itself. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stepUpMsMax } from "../../../core/limits.ts";
import { alertMailEveryMs, alertMailsADayMax } from "../../../store/control/audit-alert-mails.ts";
import { runAlertMails } from "../../../workers/studio/audit/alerts/tell.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let services: Services;
/** Set: the provider takes no mail. */
let mailIsDown = false;
beforeAll(async () => {
  studio = await createHarness((whole) => {
    const sendMail: Services["sendMail"] = async (message) => {
      if (mailIsDown) throw new Error("nobody took it");
      await whole.sendMail(message);
    };
    services = { ...whole, sendMail };
    return services;
  });
});
beforeEach(async () => {
  mailIsDown = false;
  await asSuperuser("DELETE FROM control.audit_alert_mails");
  studio.mails.length = 0;
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const settings = (org: Org) => `/api/v1/orgs/${org.slug}/audit/alerts`;
const about = ({ slug }: Org) => studio.mails.filter(({ subject }) => subject.includes(`log of ${slug} says`));

/** The next entry of the organisation completes a pattern; some request writes one. */
async function raise(org: Org, token: string): Promise<void> {
  const subject = { user_id: org.owner.id, ip: null, country: "DE", country_before: "IN" };
  studio.audit.pending.alert = {
    type: "alert",
    kind: "impossible_travel",
    ...subject,
    count: 2,
    first_seq: 1,
    last_seq: 2,
  };
  expect((await studio.send("GET", `/api/v1/orgs/${org.slug}`, { token })).status).toBe(200);
  await Promise.all(studio.deferred);
}
const visit = () => runAlertMails(services);

describe("an alert of the log", () => {
  it("is mailed to owners and admins, once, and whom it is about stands in no mail", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    for (const role of ["readonly", "viewer"] as const) await studio.newMember(org, role);
    studio.mails.length = 0;
    await visit();
    expect(about(org)).toEqual([]);
    await raise(org, admin.token);
    await visit();
    await visit();
    expect(
      about(org)
        .map(({ to }) => to)
        .sort(),
    ).toEqual([admin.email, org.owner.email].sort());
    for (const { text } of about(org)) {
      expect(text).toContain("two countries within an hour");
      expect(text).not.toContain(org.owner.id);
      expect(text).not.toContain("DE");
    }
  });

  it("of another organisation is not theirs", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    await raise(org, org.owner.token);
    await visit();
    expect([about(org).length, about(other).length]).toEqual([1, 0]);
  });

  it(`makes no second mail within a quarter of an hour and no more than ${alertMailsADayMax} in a day, and none is left out`, async () => {
    const org = await studio.newOrg();
    const dayMs = 24 * 3600_000;
    studio.clock.nowMs = Math.ceil(studio.clock.nowMs / dayMs) * dayMs;
    const { token } = await studio.signIn(org.owner.email);
    await raise(org, token);
    await visit();
    for (const _ of "123") await raise(org, token);
    await visit();
    expect(about(org)).toHaveLength(1);
    studio.clock.nowMs += alertMailEveryMs;
    await visit();
    expect(about(org)).toHaveLength(2);
    // The three that came meanwhile, and not the one that was told.
    expect(about(org)[1]?.text.match(/^- /gm)).toHaveLength(3);
    for (let mail = 2; mail < 3 * alertMailsADayMax; mail += 1) {
      studio.clock.nowMs += alertMailEveryMs;
      await raise(org, (await studio.signIn(org.owner.email)).token);
      await visit();
    }
    expect(about(org)).toHaveLength(alertMailsADayMax);
    studio.clock.nowMs = Math.ceil((studio.clock.nowMs + 1) / dayMs) * dayMs;
    await visit();
    expect(about(org)).toHaveLength(alertMailsADayMax + 1);
  });

  it("waits for a mail that nobody took, and does not try without end", async () => {
    const org = await studio.newOrg();
    mailIsDown = true;
    await raise(org, org.owner.token);
    for (const _ of "12345") await visit();
    mailIsDown = false;
    await visit();
    expect(about(org)).toEqual([]);
    studio.clock.nowMs += alertMailEveryMs;
    await visit();
    expect(about(org)).toHaveLength(1);
  });
});

describe("the switch of that mail", () => {
  it("is on until an owner or admin turns it off, who has just proven themselves; it is on record", async () => {
    const org = await studio.newOrg();
    const { token } = org.owner;
    expect((await studio.send("GET", settings(org), { token })).body.mail).toBe(true);
    const off = await studio.send("PUT", settings(org), { token, body: { mail: false } });
    expect([off.status, off.body.mail]).toEqual([200, false]);
    expect(studio.audit.of(off.requestId).map(({ event }) => event)).toContainEqual({
      type: "policy_change",
      user_id: org.owner.id,
      policy: "audit_alerts",
    });
    await raise(org, token);
    await visit();
    expect(about(org)).toEqual([]);
    // What came while it was off is not told later; what comes now is.
    expect((await studio.send("PUT", settings(org), { token, body: { mail: true } })).status).toBe(200);
    await visit();
    expect(about(org)).toEqual([]);
    await raise(org, token);
    await visit();
    expect(about(org)).toHaveLength(1);
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const member = await studio.newMember(org, role);
      const sent = await studio.send("PUT", settings(org), { token: member.token, body: { mail: false } });
      expect([role, sent.status]).toEqual([role, 403]);
    }
    studio.clock.nowMs += stepUpMsMax + 1;
    const stale = await studio.send("PUT", settings(org), { token, body: { mail: false } });
    expect([stale.status, stale.body.code]).toEqual([401, "step_up_required"]);
  });
});
