import { z } from "@hono/zod-openapi";
import { sql } from "../../../../store/connect.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult } from "../../http/result.ts";
import { logFailure } from "../../log.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";

const check = z.enum(["ok", "failing"]);
const readiness = z.object({ status: z.enum(["ok", "failing"]), checks: z.record(z.string(), check) });

/** A part that has not answered by then is failing: monitors wait some 10 s. In milliseconds. */
const checkMsMax = 5000;

/** Asks every part that a request may need, at once. Writes nothing. */
export const ready = defineRoute(
  "ready",
  { caller: "anyone", status: 200, answer: readiness, unaudited: "monitors ask all the time, and nobody is known" },
  async (context): Promise<HandlerResult<z.input<typeof readiness>>> => {
    const results = await Promise.all(
      Object.entries(parts).map(async ([name, ask]) => [name, await outcomeOf(name, context, ask)] as const),
    );
    const healthy = results.every(([, outcome]) => outcome === "ok");
    const body = { status: healthy ? ("ok" as const) : ("failing" as const), checks: Object.fromEntries(results) };
    return healthy ? answer(body) : { ...answer(body), status: 503 };
  },
);

type Ask = (context: RequestContext) => Promise<unknown>;

/** A call that proves nothing: whoever refuses it is there and verifies. */
const unsigned = { assertion: "", accessToken: null };

const parts: Readonly<Record<string, Ask>> = {
  control_database: ({ services }) => services.database.query(sql`SELECT 1`, { readOnly: true }),
  passwords: ({ services }) => services.passwords.ready(),
  public_keys: ({ services }) => services.publicKeys.accessKeys(),
  devices: ({ services }) => refuses(services.devices.listDevices(unsigned, { limit: 1, cursor: null })),
  provisioner: ({ services }) => refuses(services.provisioner.createTenant(unsigned, services.makeId("org"))),
  audit: ({ services }) => refuses(services.audit.append(unsigned, null, [])),
  audit_reader: ({ services }) => refuses(services.auditReader.list(unsigned, everything)),
  token_signer: ({ services }) =>
    refuses(
      services.tokenSigner.signAccessToken(unsigned, { sub: services.makeId("user"), org: null, role: null, sid: "" }),
    ),
  hub: ({ services }) => refuses(services.hub.presence(unsigned, services.makeId("org"), [])),
};
const everything = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 1 };

/** Only the message crosses a binding, not the error's class. */
async function refuses(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Error && error.message.includes("call refused")) return;
    throw error;
  }
  throw new Error("an unsigned call was accepted");
}

async function outcomeOf(name: string, context: RequestContext, ask: Ask): Promise<"ok" | "failing"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), checkMsMax);
  });
  try {
    await Promise.race([ask(context), late]);
    return "ok";
  } catch (error) {
    logFailure({ request_id: context.requestId, route: context.routeName, step: name }, error);
    return "failing";
  } finally {
    clearTimeout(timer);
  }
}
