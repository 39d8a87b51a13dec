import { removeTotp as removeStoredTotp } from "../../../../store/control/factors/remove.ts";
import { recordFactorChange } from "../../auth/factors/record-change.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import { refusalOfRemoval } from "./factor-removal.ts";

export const removeTotp = defineRoute(
  "removeTotp",
  { caller: "person", status: 204, answer: nothing },
  async (context) => {
    const { services, person } = context;
    const outcome = await removeStoredTotp(services.database, context.write(), person.user);
    if (outcome.kind !== "removed") return refusalOfRemoval(outcome.kind);
    await recordFactorChange(context, person, { factor: "totp", action: "removed" });
    return answer(null);
  },
);
