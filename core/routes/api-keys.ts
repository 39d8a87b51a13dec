import { needs, orgPath, type RouteSpec, route } from "./route.ts";

/** Marks an API key: 256 random bits behind a prefix that scanners for leaked secrets can look for. */
export const apiKeyPrefix = "sak_";
/** 32 bytes in base64url behind the prefix. */
export const apiKeyPattern = /^sak_[A-Za-z0-9_-]{43}$/;
/** An API key lives at most a year, in milliseconds: a secret in a file that nobody looks at must end by itself. */
export const apiKeyMsMax = 365 * 24 * 3600_000;

/** API keys: service accounts of an organisation. */
export const apiKeysRoutes = {
  listApiKeys: route({
    method: "GET",
    path: `${orgPath}/api-keys`,
    policy: needs("api_keys:manage"),
    summary: "API keys",
  }),
  createApiKey: route({
    method: "POST",
    path: `${orgPath}/api-keys`,
    policy: needs("api_keys:manage"),
    stepUp: true,
    summary: "Make an API key; it is shown this once",
  }),
  revokeApiKey: route({
    method: "DELETE",
    path: `${orgPath}/api-keys/{key}`,
    policy: needs("api_keys:manage"),
    summary: "Revoke an API key and close its sockets",
  }),
} as const satisfies Record<string, RouteSpec>;
