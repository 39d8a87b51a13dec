import { type ChatRequest, chatCharactersMax, inputTokensMax, maxTokensMax } from "../../../core/llm/chat.ts";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { MaskTable } from "../../../core/llm/masking.ts";
import type { Completion, LlmRpc } from "../../../core/rpc/llm.ts";
import { type Account, openAccount } from "./account.ts";
import type { CallContext, Handler } from "./admission.ts";
import { chainFor, type Link } from "./chain.ts";
import { openKey } from "./keys.ts";
import type { Asked } from "./provider-fetch.ts";
import { ok, refused } from "./result.ts";
import { streamAnswer } from "./stream-answer.ts";
import { upstreamBody } from "./upstream-body.ts";
import { wholeAnswer } from "./whole-answer.ts";

/** How long the chain is gone along, in milliseconds: whoever asked has given up by then. */
const chainMsMax = 60_000;

/** What one link came to: an answer, an end of everything, or the next one's turn. */
type Turn =
  | { readonly kind: "answer"; readonly completion: Completion }
  | { readonly kind: "request_refused" | "budget_spent" | "key_due" | "failed" };

/** Asks the providers in turn: the next one where one has no budget left, has no key, or fails. */
export const complete: Handler<LlmRpc["complete"]> = async (context, request, names) => {
  if (!isBounded(request)) return refused("invalid_request");
  const chain = await chainFor(context, request.model);
  if (chain.length === 0) return refused("model_unknown");
  const mask = maskOf(context, request, names, chain);
  const untilMs = context.now() + chainMsMax;
  const seen = new Set<Turn["kind"]>();
  for (const link of chain) {
    if (context.now() >= untilMs) break;
    const turn = await takeTurn(context, request, link, link.provider.masks ? mask : null);
    if (turn.kind === "answer") return ok(turn.completion);
    if (turn.kind === "request_refused") return refused("request_refused");
    seen.add(turn.kind);
  }
  return refused(seen.has("failed") ? "providers_failed" : seen.has("budget_spent") ? "budget_spent" : "key_due");
};

async function takeTurn(context: CallContext, request: ChatRequest, link: Link, mask: MaskTable | null): Promise<Turn> {
  if (link.keys.length === 0) return { kind: "key_due" };
  const body = upstreamBody(request, link, mask);
  const sent = (JSON.parse(body) as { messages: ChatRequest["messages"] }).messages;
  const most = { input: inputTokensMax(sent), output: request.maxTokens };
  const account = await openAccount(context, link, most);
  if (account === null) return { kind: "budget_spent" };
  const asked = await ask(context, link, body, account);
  if (asked.kind === "refused") {
    await account.free();
    return { kind: "request_refused" };
  }
  if (asked.kind !== "answering") {
    if (asked.kind === "failed" && asked.mayHaveCost) await account.settle(null, true);
    else await account.free();
    return { kind: "failed" };
  }
  const answering = { request, provider: link.provider.id, account, mask, id: context.requestId, now: context.now };
  const completion = request.stream ? await streamAnswer(answering, asked) : await wholeAnswer(answering, asked.bytes);
  return completion === null ? { kind: "failed" } : { kind: "answer", completion };
}

/** With the newest key, and where the provider does not know that one yet, with the one before. */
async function ask(context: CallContext, { provider, keys }: Link, body: string, account: Account): Promise<Asked> {
  let asked: Asked = { kind: "unauthorised" };
  try {
    for (const key of keys) {
      asked = await context.fetchProvider(provider.baseUrl, await openKey(context, provider.id, key), body);
      if (asked.kind !== "unauthorised") return asked;
    }
  } catch (error) {
    // The key can't be had: nothing was asked.
    await account.free();
    throw error;
  }
  return asked;
}

/** The table is one for the whole chain: a second provider is told the same as the first. */
function maskOf(
  { randomBytes }: CallContext,
  { messages, sampling }: ChatRequest,
  names: readonly string[],
  chain: readonly Link[],
): MaskTable | null {
  if (!chain.some(({ provider }) => provider.masks)) return null;
  const texts = [...messages.map(({ content }) => content), ...(sampling.stop ?? [])];
  return new MaskTable(texts, directoryNames(names), randomBytes);
}

/** Studio has refused what is not; what a budget rests on is looked at here too. */
function isBounded({ messages, maxTokens }: ChatRequest): boolean {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return (
    messages.length > 0 &&
    characters <= chatCharactersMax &&
    Number.isSafeInteger(maxTokens) &&
    maxTokens >= 1 &&
    maxTokens <= maxTokensMax
  );
}
