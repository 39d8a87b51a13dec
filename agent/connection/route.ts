/** Where and in which version the next attempt goes. Pure. */
import type { CloseReason } from "./close-reason.ts";

/** 5: MQTT 5.0; 4: MQTT 3.1.1, for a server that knows no other. */
export type ProtocolVersion = 4 | 5;

export interface Route {
  readonly protocolVersion: ProtocolVersion;
  /** Always of the same origin as the address from enrolment (`server-reference.ts`). */
  readonly url: string;
  /** True for an address that holds until it fails, false for one that holds for one connection. */
  readonly lasting: boolean;
}

/** @param url the address from enrolment */
export function homeRoute(url: string): Route {
  return { protocolVersion: 5, url, lasting: true };
}

/**
 * Each new attempt begins with 5.0, so that an agent finds a server that learnt it; 3.1.1 is for the
 * one attempt after a refusal of 5.0. An address that the server named is left when it fails.
 * @param home the address from enrolment
 * @param wasConnected the connection over `route` had come to be
 */
export function nextRoute(route: Route, home: string, reason: CloseReason, wasConnected: boolean): Route {
  if (reason.kind === "version_refused") return { ...route, protocolVersion: 4 };
  if (reason.kind === "redirected") return { protocolVersion: 5, url: reason.url, lasting: reason.lasting };
  return homeRoute(wasConnected && route.lasting ? route.url : home);
}

/** True where the server said how to go on: that is no failure, and waiting for it to pass is no use. */
export function isDirection(reason: CloseReason): boolean {
  return reason.kind === "version_refused" || reason.kind === "redirected";
}
