/** The calls of Stripe's API that we make, over a ledger. */
import { type Ledger, type Subscription, sessionBody, subscriptionBody } from "./ledger.ts";

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  /** The form's fields as they came: `line_items[0][price]`. */
  readonly fields: ReadonlyMap<string, string>;
  readonly idempotencyKey: string;
}
export interface Reply {
  readonly status: number;
  readonly body: object;
}

export function invalid(status: number, message: string, code?: string): Reply {
  return { status, body: { error: { type: "invalid_request_error", message, code } } };
}

const declined: Reply = {
  status: 402,
  body: { error: { type: "card_error", code: "card_declined", message: "Your card was declined." } },
};

const missing = (what: string): Reply => invalid(404, `No such ${what}`, "resource_missing");

export function api(ledger: Ledger, origin: string, call: ApiCall): Reply {
  const [, , kind = "", first, second, third] = call.path.split("/");
  const inFolder = kind === "checkout" || kind === "billing_portal";
  const name = inFolder ? [kind, first, third].filter((part) => part !== undefined).join("/") : kind;
  switch (`${call.method} ${name}`) {
    case "POST customers":
    case "GET customers":
      return customer(ledger, call, first);
    case "POST checkout/sessions":
      return checkout(ledger, origin, call.fields);
    case "POST billing_portal/sessions":
      return portal(ledger, origin, call.fields);
    case "GET checkout/sessions":
      return sessions(ledger, call.fields);
    case "POST checkout/sessions/expire":
      return expire(ledger, second);
    case "GET invoices":
      return invoices(ledger, call.fields);
    case "GET subscriptions":
    case "POST subscriptions":
    case "DELETE subscriptions":
      return subscription(ledger, call, first);
    default:
      return invalid(404, `Unrecognized request URL (${call.method}: ${call.path})`);
  }
}

const ok = (body: object): Reply => ({ status: 200, body });

/** Made, read or changed: one that was deleted is still found, and says so. */
function customer(ledger: Ledger, { method, fields }: ApiCall, id: string | undefined): Reply {
  if (id === undefined) {
    if (method !== "POST") return invalid(400, "the peer lists no customers");
    return ok({ id: ledger.addCustomer(nested(fields, "metadata")), object: "customer", livemode: false });
  }
  const found = ledger.customers.get(id);
  if (found === undefined) return missing("customer");
  if (found.deleted === true)
    return method === "GET" ? ok({ id, object: "customer", deleted: true }) : missing("customer");
  if (method === "POST") found.email = fields.get("email") ?? found.email ?? null;
  return ok({ id, object: "customer", livemode: false, metadata: found.metadata, email: found.email ?? null });
}

function checkout(ledger: Ledger, origin: string, fields: ApiCall["fields"]): Reply {
  const price = fields.get("line_items[0][price]") ?? "";
  const customer = fields.get("customer") ?? "";
  const successUrl = fields.get("success_url") ?? "";
  if (fields.get("mode") !== "subscription") return invalid(400, "the peer knows mode=subscription alone");
  if (fields.get("line_items[0][quantity]") !== "1") return invalid(400, "quantity is required");
  if (!ledger.prices.has(price)) return invalid(400, `No such price: '${price}'`, "resource_missing");
  if (!ledger.customers.has(customer)) return missing("customer");
  if (URL.parse(successUrl) === null) return invalid(400, "Not a valid URL", "url_invalid");
  const session = ledger.addSession({
    customer,
    price,
    clientReference: fields.get("client_reference_id") ?? null,
    metadata: nested(fields, "metadata"),
    subscriptionMetadata: nested(fields, "subscription_data", "metadata"),
    successUrl,
    cancelUrl: fields.get("cancel_url") ?? successUrl,
  });
  return ok(sessionBody(session, `${origin}/c/pay/${session.id}`));
}

function sessions(ledger: Ledger, fields: ApiCall["fields"]): Reply {
  const wanted = [...ledger.sessions.values()].filter(
    ({ customer, status }) => customer === fields.get("customer") && status === (fields.get("status") ?? status),
  );
  return listed(
    "/v1/checkout/sessions",
    wanted.reverse().map((session) => sessionBody(session, "")),
  );
}

/** Only an open one can be. */
function expire(ledger: Ledger, id: string | undefined): Reply {
  const session = ledger.sessions.get(id ?? "");
  if (session === undefined) return missing("checkout session");
  if (session.status !== "open") return invalid(400, "Only Checkout Sessions with a status in [open] can be expired");
  session.status = "expired";
  return ok(sessionBody(session, ""));
}

function invoices(ledger: Ledger, fields: ApiCall["fields"]): Reply {
  const wanted = ledger.invoices.filter(
    ({ subscription, status }) =>
      subscription === fields.get("subscription") && status === (fields.get("status") ?? status),
  );
  return listed("/v1/invoices", wanted.map((invoice) => ({ ...invoice, object: "invoice", due_date: null })).reverse());
}

const listed = (url: string, data: object[]): Reply => ok({ object: "list", has_more: false, url, data });

function portal(ledger: Ledger, origin: string, fields: ApiCall["fields"]): Reply {
  const customer = fields.get("customer") ?? "";
  const returnUrl = fields.get("return_url") ?? "";
  if (!ledger.customers.has(customer)) return missing("customer");
  if (URL.parse(returnUrl) === null) return invalid(400, "Not a valid URL", "url_invalid");
  const id = ledger.addPortal(customer, returnUrl);
  return ok({ id, object: "billing_portal.session", customer, livemode: false, url: `${origin}/p/session/${id}` });
}

function subscription(ledger: Ledger, call: ApiCall, id: string | undefined): Reply {
  if (id === undefined) return list(ledger, call);
  const found = ledger.subscriptions.get(id);
  if (found === undefined) return missing("subscription");
  if (call.method !== "GET" && found.status === "canceled") return missing("subscription");
  if (call.method === "DELETE") ledger.cancel(found);
  if (call.method === "POST") {
    const refusal = change(ledger, found, call.fields);
    if (refusal !== null) return refusal;
  }
  return ok(subscriptionBody(found));
}

/** Without `status`, what has been cancelled is left out, as at Stripe. */
function list(ledger: Ledger, { method, fields }: ApiCall): Reply {
  if (method !== "GET") return invalid(400, "the peer makes subscriptions by checkout alone");
  if (ledger.customers.get(fields.get("customer") ?? "")?.deleted === true) return missing("customer");
  const wanted = [...ledger.subscriptions.values()].filter(
    ({ customer, status }) =>
      customer === fields.get("customer") && (fields.get("status") === "all" || status !== "canceled"),
  );
  return listed("/v1/subscriptions", wanted.reverse().map(subscriptionBody));
}

function change(ledger: Ledger, found: Subscription, fields: ApiCall["fields"]): Reply | null {
  const price = fields.get("items[0][price]");
  if (price !== undefined) {
    if (found.cardFails && fields.get("payment_behavior") === "error_if_incomplete") return declined;
    if (fields.get("items[0][id]") !== found.itemId) return invalid(400, "No such subscription item");
    if (!ledger.prices.has(price)) return invalid(400, `No such price: '${price}'`, "resource_missing");
    ledger.change(found, price);
  }
  const cancels = fields.get("cancel_at_period_end");
  if (cancels !== undefined) ledger.cancelAtPeriodEnd(found, cancels === "true");
  return null;
}

/** The fields below a name: `metadata[org]` → `{ org }`. */
function nested(fields: ApiCall["fields"], ...names: string[]): Record<string, string> {
  const [head, ...rest] = names;
  const prefix = `${head}${rest.map((name) => `[${name}]`).join("")}[`;
  const inside = [...fields].filter(([name]) => name.startsWith(prefix) && name.endsWith("]"));
  return Object.fromEntries(inside.map(([name, value]) => [name.slice(prefix.length, -1), value]));
}
