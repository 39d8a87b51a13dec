/** The two pages that Stripe hosts: where one pays, and where one manages what one pays for. */
import type { ServerResponse } from "node:http";
import type { Ledger } from "./ledger.ts";

/** A page, or where it leads; null: there is none. */
type Page = { readonly title: string; readonly content: string } | { readonly to: string } | null;

export function answerPage(ledger: Ledger, method: string, url: URL, body: string, outgoing: ServerResponse): void {
  const [, kind, , id = ""] = url.pathname.split("/");
  const deed = method === "POST" ? new URLSearchParams(body).get("deed") : null;
  const found = kind === "c" ? payPage(ledger, id, deed) : kind === "p" ? portalPage(ledger, id, deed) : null;
  if (found === null) outgoing.writeHead(404).end("there is no such page, or it is over");
  else if ("to" in found) outgoing.writeHead(303, { Location: found.to }).end();
  else {
    const { title, content } = found;
    outgoing.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
    outgoing.end(`<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${content}</html>`);
  }
}

/** `/c/pay/{session}` */
function payPage(ledger: Ledger, id: string, deed: string | null): Page {
  const session = ledger.sessions.get(id);
  if (session?.status !== "open") return null;
  if (deed === "pay") {
    ledger.pay(session);
    return { to: session.successUrl };
  }
  const declined = deed === "decline" ? '<p role="alert">Your card was declined.</p>' : "";
  const buttons = `${button("pay", "Subscribe")}${button("decline", "Pay with another card")}`;
  return { title: "Pay", content: `${declined}${buttons}${link(session.cancelUrl, "Back")}` };
}

/** `/p/session/{portal}` */
function portalPage(ledger: Ledger, id: string, deed: string | null): Page {
  const portal = ledger.portals.get(id);
  if (portal === undefined) return null;
  for (const subscription of ledger.subscriptions.values()) {
    if (subscription.customer !== portal.customer || subscription.status === "canceled") continue;
    if (deed === "cancel") ledger.cancel(subscription);
    if (deed === "cancel-later") ledger.cancelAtPeriodEnd(subscription, true);
    if (deed === "settle") ledger.settle(subscription);
  }
  const buttons = [
    button("cancel", "Cancel now"),
    button("cancel-later", "Cancel at the end of the month"),
    button("settle", "Pay what is owed"),
  ];
  const done = deed === null ? "" : "<p>Done.</p>";
  return { title: "Your plan", content: `${done}${buttons.join("")}${link(portal.returnUrl, "Return")}` };
}

const button = (deed: string, label: string): string =>
  `<form method="post"><button name="deed" value="${deed}">${label}</button></form>`;
const link = (to: string, label: string): string =>
  `<a href="${to.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}">${label}</a>`;
