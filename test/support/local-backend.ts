/** The example of docs/examples/backend.mjs beside a local stack, as a person would put it there. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../docs/examples/backend.mjs";
import { CertificateMaker } from "./certificates.ts";
import { echoRegistration } from "./echo-backend.ts";

export interface LocalBackend {
  readonly server: Server;
  /** For `BACKENDS_FILE` of the stack's environment. */
  readonly file: string;
  /** The stack's address, once it is known: whose assertions the backend takes. */
  serves(issuer: string): void;
  stop(): Promise<void>;
}

/** @param more over what registers it */
export async function startLocalBackend(more: object = {}): Promise<LocalBackend> {
  const maker = new CertificateMaker();
  const [ours, theirs] = [maker.authority(), maker.authority()];
  const client = ours.issue("DNS:sentinel.example", "now", "clientAuth");
  const tls = { ...theirs.issue("DNS:echo.backends.example"), ca: ours.cert };
  const settings = { name: "echo", issuer: "", clientName: "sentinel.example", tls };
  const server = createBackend(settings) as Server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = mkdtempSync(join(tmpdir(), "sentinel-backend-"));
  const file = join(folder, "backends.json");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registration = { ...echoRegistration, ...more };
  const beside = { BACKEND_ECHO: { registration, address, client, trusted: [theirs.cert] } };
  writeFileSync(file, JSON.stringify(beside), { mode: 0o600 });
  return {
    server,
    file,
    serves: (issuer) => {
      settings.issuer = issuer;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      maker.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
