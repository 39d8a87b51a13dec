import { endAllSessions } from "../../auth/end-all-sessions.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";

/** Ends every session of the person but the one that asks (ASVS 7.5.2). */
export const endOtherSessions = defineRoute(
  "endOtherSessions",
  { caller: "person", status: 204, answer: nothing },
  async (context) => {
    const { user, session } = context.person;
    await endAllSessions(context, user, { reason: "by_owner", by: user, except: session });
    return answer(null);
  },
);
