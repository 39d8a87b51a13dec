declare module "*/docs/examples/backend.mjs" {
  export function createBackend(settings: object): unknown;
}
