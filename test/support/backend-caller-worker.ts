/** Studio's own way to a backend, and nothing else of studio: the path of a request names the backend that is called. */
import { callBackend } from "../../workers/studio/backends/call-backend.ts";
import { readBackends } from "../../workers/studio/backends/registry.ts";

export default {
  async fetch(request: Request, env: object): Promise<Response> {
    const backend = readBackends(env).get(new URL(request.url).pathname.slice(1));
    if (backend === undefined) return new Response(null, { status: 404 });
    const asked = { method: "GET", rest: "things", query: {}, body: null, idempotencyKey: null } as const;
    const requestId = "req_01h455vb4pex5vsknk084sn02q" as Parameters<typeof callBackend>[1]["requestId"];
    const called = await callBackend(
      backend,
      { ...asked, keyHonoured: false, requestId },
      ["secret", "secret", "secret"].slice(0, backend.registration.retries + 1),
      {
        now: Date.now,
        randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      },
    );
    return Response.json(called);
  },
};
