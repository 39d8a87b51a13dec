import { needs, orgPath, type RouteSpec, route } from "./route.ts";

const backends = `${orgPath}/backends`;
/** What of a backend may be called, by whom and how, its registration says (core/backends/). */
const called = `${backends}/{backend}/{rest*}`;

/** Backends outside, which the platform has registered. */
export const backendsRoutes = {
  listBackends: route({
    method: "GET",
    path: backends,
    policy: needs("backends:monitor"),
    summary: "Backends that your organisation may call, and whether they answer it",
  }),
  getFromBackend: route({
    method: "GET",
    path: called,
    policy: needs("backends:read"),
    summary: "Read from a backend",
  }),
  postToBackend: route({
    method: "POST",
    path: called,
    policy: needs("backends:write"),
    summary: "Have a backend do something; repeated with the same Idempotency-Key, once",
  }),
  putToBackend: route({
    method: "PUT",
    path: called,
    policy: needs("backends:write"),
    summary: "Put something to a backend",
  }),
  patchAtBackend: route({
    method: "PATCH",
    path: called,
    policy: needs("backends:write"),
    summary: "Change something at a backend",
  }),
  deleteAtBackend: route({
    method: "DELETE",
    path: called,
    policy: needs("backends:write"),
    summary: "Delete something at a backend",
  }),
} as const satisfies Record<string, RouteSpec>;
