/** One request's part of a provider's budget: taken before it is asked, settled once, whatever comes. */
import { costMicros } from "../../../core/llm/chat.ts";
import type { Tokens } from "../../../core/llm/upstream.ts";
import { countedTokens } from "../../../core/llm/upstream.ts";
import type { Asking } from "../../../core/rpc/llm.ts";
import { release, reserve, settle } from "../../../store/tenant/llm-spending.ts";
import type { CallContext } from "./admission.ts";
import type { Link } from "./chain.ts";

export interface Account {
  /** The provider did nothing. */
  free(): Promise<void>;
  /**
   * It answered, or may have: what it says it took, if that can be, else all that was reserved.
   * @param answered there is an answer, so that nothing can't be what it took
   * @returns what is counted
   */
  settle(said: Tokens | null, answered: boolean): Promise<Tokens>;
}

/** @returns which of the budgets has less left this month than this could cost */
export async function openAccount(
  { database, user }: Pick<CallContext, "database" | "user">,
  { provider, model }: Link,
  most: Tokens,
  { monthMicrosMax, operatorMicrosMax }: Asking,
): Promise<Account | "budget_spent" | "plan_spent" | "operator_spent"> {
  const limits = { all: monthMicrosMax, operator: provider.kind === "workers_ai" ? operatorMicrosMax : null };
  const reservation = await reserve(database, provider.id, costMicros(most, model), limits);
  if (typeof reservation === "string") return reservation;
  return {
    free: () => release(database, reservation),
    async settle(said, answered) {
      const tokens = countedTokens(said, most, answered);
      await settle(database, reservation, { user, model: model.name, tokens, micros: costMicros(tokens, model) });
      return tokens;
    },
  };
}
