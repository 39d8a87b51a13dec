/** Asks workerd's own AI binding as capabilities does, and hands over what came of it (ai-binding.ts). */
import { type AiBinding, createPlatformModels } from "../../workers/capabilities/llm/platform-models.ts";
import { type AiOrder, brokenMark } from "./ai-order.ts";

export default {
  async fetch(request: Request, { AI }: { readonly AI?: AiBinding }): Promise<Response> {
    const { model, inputs, prices, times } = (await request.json()) as AiOrder;
    const asked = await createPlatformModels(AI, new Map(prices), times)?.ask(model, inputs);
    if (asked?.kind !== "answering") return Response.json(asked ?? null, { headers: { "X-Asked": "nothing" } });
    const { bytes, isStream } = asked;
    const body = new ReadableStream({
      type: "bytes",
      async pull(controller) {
        // A stream that breaks would break the connection to the test with it, and what comes next on that.
        const next = await bytes.next().catch(() => null);
        if (next === null) controller.enqueue(new TextEncoder().encode(brokenMark));
        if (next === null || next.done === true) {
          controller.close();
          // A reader that brought its own buffer waits for it.
          controller.byobRequest?.respond(0);
        } else controller.enqueue(Uint8Array.from(next.value));
      },
      cancel: async () => void (await bytes.return()),
    });
    // Under another type the runtime looks for what it is, and keeps the first of it back meanwhile.
    return new Response(body, {
      headers: { "X-Asked": isStream ? "stream" : "whole", "Content-Type": "text/event-stream" },
    });
  },
};
