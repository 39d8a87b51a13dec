import type { Dialect } from "../../../core/llm/dialect.ts";
import { dialects, httpDialects } from "../../../core/llm/dialects.ts";
import type { Tokens } from "../../../core/llm/upstream.ts";
import type { Asking, LlmResult } from "../../../core/rpc/llm.ts";
import { type Account, openAccount } from "./account.ts";
import type { CallContext } from "./admission.ts";
import type { Asked } from "./asked.ts";
import type { Link } from "./chain.ts";
import { openKey } from "./keys.ts";
import { ok, refused } from "./result.ts";

/** How long the chain is gone along, in milliseconds: whoever asked has given up by then. */
const chainMsMax = 60_000;

type Answered = Extract<Asked, { kind: "answering" }>;

/** What is sent to one provider of the chain, and how its answer is read. */
export interface Question<T> {
  /** What it can cost at most. */
  readonly most: Tokens;
  readonly about: "chat" | "embeddings";
  readonly body: object;
  /** Settles the account. @returns null when it is no answer, and nothing of it has been shown */
  read(asked: Answered, account: Account): Promise<T | null>;
}

/** What one link came to: an answer, an end of everything, or the next one's turn. */
type Turn<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "request_refused" | "plan_spent" | "operator_spent" | "budget_spent" | "key_due" | "failed" };

/**
 * Asks the providers of a chain in turn: the next one where one has no budget left, has no key, or fails.
 * @param questionTo what one is asked, made when its turn comes
 */
export async function takeTurns<T>(
  context: CallContext,
  asking: Asking,
  chain: readonly Link[],
  questionTo: (link: Link, dialect: Dialect) => Question<T>,
): Promise<LlmResult<T>> {
  const untilMs = context.now() + chainMsMax;
  const seen = new Set<Turn<T>["kind"]>();
  for (const link of chain) {
    if (context.now() >= untilMs) break;
    const turn = await takeTurn(context, asking, link, questionTo);
    if (turn.kind === "answer") return ok(turn.value);
    if (turn.kind === "request_refused") return refused("request_refused");
    seen.add(turn.kind);
  }
  if (seen.has("failed")) return refused("providers_failed");
  const why = (["plan_spent", "budget_spent", "operator_spent"] as const).find((kind) => seen.has(kind));
  return refused(why ?? "key_due");
}

/** Studio has said so; what a budget rests on is looked at here too. */
export const isAsking = (asking: Asking): boolean =>
  Array.isArray(asking?.names) &&
  [asking.monthMicrosMax, asking.operatorMicrosMax].every((most) => Number.isSafeInteger(most) && most >= 0);

async function takeTurn<T>(
  context: CallContext,
  asking: Asking,
  link: Link,
  questionTo: (link: Link, dialect: Dialect) => Question<T>,
): Promise<Turn<T>> {
  if (link.keys?.length === 0) return { kind: "key_due" };
  const question = questionTo(link, dialects[link.provider.kind]);
  const account = await openAccount(context, link, question.most, asking);
  if (typeof account === "string") return { kind: account };
  const asked = await ask(context, link, question, account);
  if (asked.kind === "refused") {
    await account.free();
    return { kind: "request_refused" };
  }
  if (asked.kind !== "answering") {
    if (asked.kind === "failed" && asked.mayHaveCost) await account.settle(null, true);
    else await account.free();
    return { kind: "failed" };
  }
  const value = await question.read(asked, account);
  return value === null ? { kind: "failed" } : { kind: "answer", value };
}

/** With the newest key, and where the provider does not know that one yet, with the one before; or through the binding, with none. */
async function ask(
  context: CallContext,
  { provider, model, keys }: Link,
  { about, body }: Pick<Question<unknown>, "about" | "body">,
  account: Account,
): Promise<Asked> {
  let asked: Asked = { kind: "unauthorised" };
  if (keys === null) return (await context.platform?.ask(model.upstream, body)) ?? asked;
  const dialect = httpDialects[provider.kind];
  const post = { baseUrl: provider.baseUrl, path: dialect.paths[about], body: JSON.stringify(body) };
  try {
    for (const key of keys) {
      const headers = dialect.headers(await openKey(context, provider.id, key));
      asked = await context.fetchProvider({ ...post, headers });
      if (asked.kind !== "unauthorised") return asked;
    }
  } catch (error) {
    // The key can't be had: nothing was asked.
    await account.free();
    throw error;
  }
  return asked;
}
