import { publicRoute, type RouteSpec, route } from "./route.ts";

/** The platform itself: health, keys, documentation. */
export const systemRoutes = {
  health: route({
    method: "GET",
    path: "/healthz",
    policy: publicRoute("says only that the edge runs"),
    servedBy: "edge",
    geo: { anywhere: "monitors stand in other countries" },
    summary: "The edge alone",
  }),
  ready: route({
    method: "GET",
    path: "/readyz",
    policy: publicRoute("says only which unit answers"),
    geo: { anywhere: "monitors stand in other countries" },
    summary: "Every dependency",
  }),
  jwks: route({
    method: "GET",
    path: "/.well-known/jwks.json",
    policy: publicRoute("public keys"),
    servedBy: "edge",
    summary: "Public keys of access tokens",
  }),
  logKeys: route({
    method: "GET",
    path: "/.well-known/sentinel-log-key",
    policy: publicRoute("public keys"),
    servedBy: "edge",
    geo: { anywhere: "auditors and witnesses may be anywhere" },
    summary: "Public keys of audit logs' checkpoints",
  }),
  securityTxt: route({
    method: "GET",
    path: "/.well-known/security.txt",
    policy: publicRoute("whom to tell of a vulnerability"),
    servedBy: "edge",
    geo: { anywhere: "who found a vulnerability may be anywhere" },
    summary: "Whom to tell of a vulnerability (RFC 9116)",
  }),
  openapi: route({
    method: "GET",
    path: "/api/openapi.json",
    policy: publicRoute("the documentation"),
    summary: "This document",
  }),
  mqtt: route({
    method: "GET",
    path: "/mqtt/{org}",
    policy: publicRoute("CONNECT carries the credential; the hub verifies it"),
    rateClass: "mqtt_connect",
    servedBy: "hub",
    summary: "MQTT over WebSocket",
  }),
} as const satisfies Record<string, RouteSpec>;
