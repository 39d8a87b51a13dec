/** The part of oidc-provider that tests use; the package brings no types of its own. */
declare module "oidc-provider" {
  import type { Server } from "node:http";

  export interface Account {
    readonly accountId: string;
    claims(): object;
  }
  export default class Provider {
    constructor(issuer: string, configuration: object);
    callback(): Parameters<Server["on"]>[1];
    on(event: string, listener: (...args: unknown[]) => void): void;
  }
}
