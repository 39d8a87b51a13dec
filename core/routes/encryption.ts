import { apiPath, needs, operatorRoute, orgPath, type RouteSpec, route, type WafExemption } from "./route.ts";

/** What an owner copies out of a key service's console: sealed, never shown. */
const copied: readonly WafExemption[] = [
  { field: "body.address", why: "an address to call, by rules of its own (core/outside-address.ts)" },
  { field: "body.token", why: "a good secret looks like an attack; it is sealed, never shown" },
  { field: "body.secret_access_key", why: "a good secret looks like an attack; it is sealed, never shown" },
];

const keeps = needs("encryption:manage");
/** `{target}` is an organisation's id or slug. Not `{org}`, which would put the organisation's own geo policy over the operator. */
const targetPath = `${apiPath}/operator/orgs/{target}`;

/** Who keeps the key that an organisation's data keys are wrapped by. */
export const encryptionRoutes = {
  getEncryption: route({
    method: "GET",
    path: `${orgPath}/encryption`,
    policy: keeps,
    summary: "The organisation's data keys and who keeps what wraps them",
  }),
  putEncryption: route({
    method: "PUT",
    path: `${orgPath}/encryption`,
    policy: keeps,
    stepUp: true,
    wafExemptions: copied,
    summary: "Change the keeper: Sentinel, a key service of the organisation's own, or AWS KMS",
  }),
  verifyEncryption: route({
    method: "POST",
    path: `${orgPath}/encryption/verify`,
    policy: keeps,
    summary: "Ask the keeper for the key, past what is held in memory",
  }),
  operatorRotateDataKey: route({
    method: "POST",
    path: `${targetPath}/data-keys/rotate`,
    policy: operatorRoute,
    summary: "Make a new data key of an organisation; what the others sealed stays readable",
  }),
  operatorRewrapDataKeys: route({
    method: "POST",
    path: `${targetPath}/data-keys/rewrap`,
    policy: operatorRoute,
    summary: "Wrap an organisation's data keys anew, when Sentinel's own key-encryption key changes",
  }),
} as const satisfies Record<string, RouteSpec>;
