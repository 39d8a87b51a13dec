import { roles } from "../../core/tenancy/roles.ts";

/** What registers a backend that everybody may ask for `things`, with every method. */
export const echoRegistration = {
  base_url: "https://echo.backends.example/api",
  mtls_binding: "MTLS_ECHO",
  organisations: "all",
  routes: [
    { methods: ["GET", "PUT", "DELETE"], path: "/things", roles, query: ["page"] },
    { methods: ["POST", "PATCH"], path: "/things", roles, honours_idempotency_key: true },
  ],
  timeout_ms: 5_000,
  circuit: { calls_min: 1_000 },
};

/** Studio's variable and binding of it, where no TLS is under test. @param answer what it says; an empty object, unless told */
export function echoEnvironment(answer: typeof fetch = async () => Response.json({})): Record<string, unknown> {
  return { BACKEND_ECHO: JSON.stringify(echoRegistration), MTLS_ECHO: { fetch: answer } };
}
