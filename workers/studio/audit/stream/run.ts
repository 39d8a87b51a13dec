import type { RequestId } from "../../../../core/ids.ts";
import { markFailureTold, untoldFailures } from "../../../../store/control/audit-stream-mails.ts";
import { claimStream } from "../../../../store/control/audit-stream-runs.ts";
import { logFailure } from "../../log.ts";
import { streamFailsMail } from "../../mail/audit-messages.ts";
import type { Services } from "../../services.ts";
import { runStreamTurn } from "./turn.ts";

/** Streams at once: one that stalls keeps the others waiting no longer than its time-out. */
const turnsAtOnce = 4;
/** No turn is begun later than this in one visit of the clock, in milliseconds. The clock's next visit runs beside it. */
const beginMsMax = 45_000;

/** What the clock does for streams of audit logs, every minute: those that are due have their turn, those that fail are told of. */
export async function runAuditStreams(services: Services): Promise<void> {
  const endsAtMs = services.now() + beginMsMax;
  const turns = Array.from({ length: turnsAtOnce }, () =>
    attempt(services, "claim", async () => {
      while (services.now() < endsAtMs) {
        const claimed = await claimStream(services.database, services.now());
        if (claimed === null) return;
        // One whose log or secret can't be read is due again when its claim ends.
        await attempt(services, "turn", () => runStreamTurn(services, claimed));
      }
    }),
  );
  await Promise.all(turns);
  await attempt(services, "tell", () => tellFailures(services));
}

/** A second copy is better than none, so they count as told once all mails left. */
async function tellFailures(services: Services): Promise<void> {
  for (const failing of await untoldFailures(services.database, services.now())) {
    await attempt(services, "mail", async () => {
      for (const to of failing.recipients) await services.sendMail(streamFailsMail(to, services.publicUrl, failing));
      await markFailureTold(services.database, failing.id, services.now());
    });
  }
}

async function attempt(services: Services, step: string, work: () => Promise<void>): Promise<void> {
  const requestId: RequestId = services.makeId("request");
  try {
    await work();
  } catch (error) {
    logFailure({ request_id: requestId, route: "audit_streams", step }, error);
  }
}
