import { describe, expect, it } from "vitest";
import { createMailer, type EmailBinding, type MailMessage } from "../../../workers/studio/mail/mailer.ts";
import { Unavailable } from "../../../workers/studio/unavailable.ts";

const message: MailMessage = { to: "anna@school.test", subject: "Hello", text: "A line" };
const from = "Sentinel <no-reply@sentinel.test>";
const noFetch = () => Promise.reject(new Error("nothing is to be fetched"));

describe("mail", () => {
  it("goes through Cloudflare's binding where there is one, and nothing is fetched", async () => {
    const sent: unknown[] = [];
    const binding: EmailBinding = { send: async (mail) => void sent.push(mail) };
    await createMailer({ kind: "binding", binding, from }, noFetch)(message);
    expect(sent).toEqual([{ ...message, from: { name: "Sentinel", email: "no-reply@sentinel.test" } }]);
    await createMailer({ kind: "binding", binding, from: "no-reply@sentinel.test" }, noFetch)(message);
    expect(sent[1]).toEqual({ ...message, from: "no-reply@sentinel.test" });
  });

  it("else goes to the endpoint, with its token in a header and nowhere else", async () => {
    const asked: [string, RequestInit][] = [];
    const send = createMailer(
      { kind: "endpoint", endpoint: "https://mail.test/emails", token: "secret", from },
      (url, init) => {
        asked.push([String(url), init ?? {}]);
        return Promise.resolve(new Response("{}"));
      },
    );
    await send(message);
    const [[url, init] = ["", {}]] = asked;
    expect(url).toBe("https://mail.test/emails");
    expect(new Headers(init.headers).get("Authorization")).toBe("Bearer secret");
    expect(JSON.parse(String(init.body))).toEqual({ from, ...message });
  });

  it.each<[string, () => Promise<unknown>]>([
    ["refuses the sender", () => Promise.reject(new Error("E_SENDER_NOT_VERIFIED: anna@school.test"))],
    ["throws before it sends", () => Promise.reject("no")],
  ])("that a binding does not take is an unavailable part, and says no address: it %s", async (_what, send) => {
    const failed = createMailer({ kind: "binding", binding: { send }, from }, noFetch)(message);
    await expect(failed).rejects.toThrow(Unavailable);
    await expect(failed).rejects.not.toThrow(/anna/);
  });

  it.each([400, 401, 500])("that an endpoint answers with %s was not sent", async (status) => {
    const config = { kind: "endpoint", endpoint: "https://mail.test/emails", token: "secret", from } as const;
    const send = createMailer(config, () => Promise.resolve(new Response("no", { status })));
    await expect(send(message)).rejects.toThrow(Unavailable);
  });
});
