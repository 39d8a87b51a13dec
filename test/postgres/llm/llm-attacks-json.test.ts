/** JSON that was asked for stays JSON, whatever somebody is called. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { freshTenant } from "../support.ts";
import { createLlmKit, type LlmKit, personOf, said } from "./kit.ts";

let kit: LlmKit;
beforeAll(async () => {
  kit = await createLlmKit();
});
afterAll(() => kit.stop());

it.each([false, true])(
  "a value with a line end or a quote is put back into JSON as its string, streamed %s",
  async (stream) => {
    const { org } = await freshTenant();
    const owner = personOf("owner");
    await kit.add(org, owner);
    const hidden = ['"asha rao"@school.in', "98765\n43210"];
    kit.servers[0].deeds = [
      {
        say: ({ body }) => `{"who":["${String(body.messages[0].content).split(" and ").join('","')}"]}`,
        pieces: 9,
      },
    ];
    const asked = {
      stream,
      messages: [{ role: "user", content: hidden.join(" and ") }],
      sampling: { response_format: { type: "json_object" } },
    } as const;
    const text = await said(await kit.ask(org, owner, asked));
    expect(JSON.stringify(kit.servers[0].asked.at(-1)?.body)).not.toContain("43210");
    expect(JSON.parse(text)).toEqual({ who: hidden });
  },
);
