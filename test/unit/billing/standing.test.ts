/** Dunning: where a debt leads, whatever order its events come in. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  billingStandings,
  dunningStep,
  reminderDays,
  restrictedAfterDays,
  standingAt,
  type Told,
} from "../../../core/billing/standing.ts";

const day = 86_400_000;
const fresh: Told = { standing: "active", reminded: null };

describe("a debt", () => {
  it.each([
    [-1, "active"],
    [0, "past_due"],
    [13, "past_due"],
    [14, "grace"],
    [29, "grace"],
    [30, "restricted"],
    [4000, "restricted"],
  ] as const)("of %i days is %s", (days, standing) => {
    expect(standingAt(0, days * day)).toBe(standing);
  });

  it("that is paid leaves nothing behind, from any standing", () => {
    for (const standing of billingStandings) {
      const told = { standing, reminded: { owedSinceMs: 0, day: 30 } };
      expect(dunningStep(told, null, 99 * day).told).toEqual(fresh);
    }
  });

  it("is told once on each of its days", () => {
    let told = fresh;
    const mails: number[] = [];
    for (let hour = 0; hour < 24 * 60; hour += 1) {
      const step = dunningStep(told, 0, (hour * day) / 24);
      mails.push(...step.effects.flatMap((effect) => (effect.kind === "remind" ? [effect.day] : [])));
      ({ told } = step);
    }
    expect(mails).toEqual([...reminderDays]);
  });

  it("is told by one mail, the latest, when the clock was away", () => {
    const { effects } = dunningStep(fresh, 0, 23 * day);
    expect(effects).toEqual([
      { kind: "standing_changed", from: "active", to: "grace" },
      { kind: "remind", day: 21, standing: "grace" },
    ]);
  });
});

/** What may happen to an organisation, at any time and in any order. */
type Happening =
  | { readonly kind: "issue"; readonly invoice: number; readonly dueDay: number }
  | { readonly kind: "pay"; readonly invoice: number }
  | { readonly kind: "clock"; readonly afterHours: number };
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant("issue" as const), invoice: fc.nat(5), dueDay: fc.nat(60) }),
  fc.record({ kind: fc.constant("pay" as const), invoice: fc.nat(5) }),
  fc.record({ kind: fc.constant("clock" as const), afterHours: fc.nat(24 * 12) }),
);

/** Invoices as the table keeps them: issued once, paid once. */
function run(happenings: readonly Happening[]) {
  const due = new Map<number, number>();
  const paid = new Set<number>();
  let told = fresh;
  let nowMs = 0;
  const trail: { readonly nowMs: number; readonly owed: number | null; readonly told: Told }[] = [];
  const mailed: string[] = [];
  const tick = (): void => {
    const open = [...due].filter(([invoice]) => !paid.has(invoice)).map(([, dueMs]) => dueMs);
    const owed = open.length === 0 ? null : Math.min(...open);
    const step = dunningStep(told, owed, nowMs);
    ({ told } = step);
    mailed.push(...step.effects.flatMap((effect) => (effect.kind === "remind" ? [`${owed} ${effect.day}`] : [])));
    trail.push({ nowMs, owed, told });
  };
  for (const one of happenings) {
    if (one.kind === "issue" && !due.has(one.invoice)) due.set(one.invoice, one.dueDay * day);
    if (one.kind === "pay" && due.has(one.invoice)) paid.add(one.invoice);
    if (one.kind === "clock") nowMs += (one.afterHours * day) / 24;
    tick();
  }
  return { told, trail, mailed, tick };
}

describe("any history of invoices, payments and the clock", () => {
  it("leaves an organisation where what it owes puts it, and nowhere else", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        for (const { nowMs, owed, told } of run(happenings).trail) expect(told.standing).toBe(standingAt(owed, nowMs));
      }),
    );
  });

  it("restricts nobody who has been overdue for less than the days that were said", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        for (const { nowMs, owed, told } of run(happenings).trail) {
          if (told.standing !== "restricted") continue;
          expect(owed).not.toBeNull();
          expect(nowMs - (owed ?? 0)).toBeGreaterThanOrEqual(restrictedAfterDays * day);
        }
      }),
    );
  });

  it("changes nothing when it is told again", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const once = run(happenings);
        const twice = run(happenings.flatMap((one): Happening[] => (one.kind === "clock" ? [one] : [one, one])));
        expect(twice.told).toEqual(once.told);
        const { length } = once.mailed;
        once.tick();
        expect(once.mailed).toHaveLength(length);
      }),
    );
  });
});
