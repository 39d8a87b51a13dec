/**
 * A server on loopback that speaks Stripe's API for the calls we make, keeps the account's state (ledger.ts) and
 * sends its events to an endpoint. It is as strict as Stripe: the key, the API version and the idempotency keys count.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ApiCall, api, invalid, type Reply } from "./api.ts";
import { Ledger, type StripeEvent } from "./ledger.ts";
import { answerPage } from "./pages.ts";
import { signatureOf } from "./signature.ts";

/** What goes wrong with the next request to the API; each once. */
export type Fault =
  | { readonly status: 429 | 500 | 503 }
  /** The connection ends before anything was done. */
  | "cut before"
  /** The work is done, and the connection ends before the answer. */
  | "cut after"
  /** No answer ever. */
  | "stall"
  | { readonly raw: string };

export interface StripePeer {
  readonly origin: string;
  readonly ledger: Ledger;
  readonly calls: readonly ApiCall[];
  faults: Fault[];
  /** Where events go as they happen, as Stripe does it: again until it is a 2xx. Null: they are only kept. */
  endpoint: {
    readonly url: string;
    readonly secrets: readonly string[];
    /** Fields besides Stripe's own: what the network in front of the endpoint would add. */
    readonly headers?: Readonly<Record<string, string>>;
  } | null;
  /** Deliveries that are under way or will be tried again. */
  pending(): number;
  /** Sends one event once. @returns the status */
  deliver(to: NonNullable<StripePeer["endpoint"]>, event: StripeEvent, atMs?: number): Promise<number>;
  stop(): Promise<void>;
}

/** Between two tries of a delivery, in milliseconds; Stripe waits from seconds to hours. */
const retryMs = 200;

export interface PeerOptions {
  readonly key: string;
  readonly apiVersion: string;
  /** Price → minor units a month. */
  readonly prices: ReadonlyMap<string, number>;
}

export async function startStripe(options: PeerOptions): Promise<StripePeer> {
  const ledger = new Ledger(options.prices, options.apiVersion, () => Date.now());
  const calls: ApiCall[] = [];
  const answers = new Map<string, { readonly asked: string; readonly reply: Reply }>();
  const state = { stopped: false, pending: 0 };
  const self = { ledger, calls, faults: [] as Fault[], endpoint: null as StripePeer["endpoint"] };

  const server = createServer(async (incoming, outgoing) => {
    const body = await textOf(incoming);
    const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host}`);
    if (!url.pathname.startsWith("/v1/")) {
      answerPage(ledger, incoming.method ?? "", url, body, outgoing);
      return;
    }
    const call: ApiCall = {
      method: incoming.method ?? "",
      path: url.pathname,
      fields: new Map([...url.searchParams, ...new URLSearchParams(body)]),
      idempotencyKey: String(incoming.headers["idempotency-key"] ?? ""),
    };
    calls.push(call);
    const fault = self.faults.shift();
    if (typeof fault === "object") return fail(fault, outgoing);
    if (fault === "cut before") outgoing.destroy();
    if (fault === "cut before" || fault === "stall") return;
    const reply = refusalOfHead(incoming, options) ?? once(call, () => api(ledger, url.origin, call));
    if (fault === "cut after") outgoing.destroy();
    else send(outgoing, reply);
  });

  /** The same key answers the same, and another request under it is an error (docs.stripe.com/api/idempotent_requests). */
  function once(call: ApiCall, work: () => Reply): Reply {
    if (call.method !== "POST") return work();
    if (call.idempotencyKey === "")
      return invalid(400, "a POST without Idempotency-Key: the peer is stricter than Stripe");
    const asked = `${call.path}?${new URLSearchParams([...call.fields])}`;
    const before = answers.get(call.idempotencyKey);
    if (before !== undefined && before.asked !== asked)
      return {
        status: 400,
        body: { error: { type: "idempotency_error", message: "the key was used for another request" } },
      };
    if (before !== undefined) return before.reply;
    const reply = work();
    answers.set(call.idempotencyKey, { asked, reply });
    return reply;
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const deliver: StripePeer["deliver"] = async ({ url, secrets, headers }, event, atMs = Date.now()) => {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        ...headers,
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signatureOf(event.body, secrets, atMs),
      },
      body: event.body,
    });
    await response.body?.cancel();
    return response.status;
  };
  ledger.heard = (event) => {
    const { endpoint } = self;
    if (endpoint === null) return;
    state.pending += 1;
    void (async () => {
      while (!state.stopped) {
        const status = await deliver(endpoint, event).catch(() => 0);
        if (status >= 200 && status < 300) break;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
      state.pending -= 1;
    })();
  };
  const stop = async (): Promise<void> => {
    state.stopped = true;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(self, { origin, deliver, pending: () => state.pending, stop });
}

function fail(fault: Extract<Fault, object>, outgoing: ServerResponse): void {
  if ("raw" in fault) {
    outgoing.writeHead(200, jsonType).end(fault.raw);
    return;
  }
  const type = fault.status === 429 ? "rate_limit" : "api_error";
  send(outgoing, { status: fault.status, body: { error: { type, message: "as the test said" } } });
}

/** What Stripe refuses before it reads a request. */
function refusalOfHead({ headers, method }: IncomingMessage, { key, apiVersion }: PeerOptions): Reply | null {
  if (headers.authorization !== `Bearer ${key}`) return invalid(401, "Invalid API Key provided: sk_test_****");
  if (headers["stripe-version"] !== apiVersion) return invalid(400, "Invalid Stripe API version");
  if (method === "POST" && headers["content-type"] !== "application/x-www-form-urlencoded")
    return invalid(400, "Invalid Content-Type");
  return null;
}

const jsonType = { "Content-Type": "application/json" };

function send(outgoing: ServerResponse, { status, body }: Reply): void {
  outgoing.writeHead(status, { ...jsonType, "Request-Id": "req_of_the_peer" }).end(JSON.stringify(body));
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming) text += String(chunk);
  return text;
}
