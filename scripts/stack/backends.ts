import { readFileSync } from "node:fs";
import { backendVariablePrefix, parseRegistration } from "../../core/backends/registration.ts";
import { StackError } from "./stack-error.ts";

/** A backend beside a local stack: what registers it, and how its certificate binding is stood in for (docs/backends.md). */
interface LocalBackend {
  readonly registration: unknown;
  /** Where it listens really, `127.0.0.1:9443`; its certificate is still judged by the name in `base_url`. */
  readonly address: string;
  /** PEM, Sentinel's own. Absent: none is shown. */
  readonly client?: { readonly key: string; readonly cert: string };
  /** PEM, of authorities whose certificates it may show; no browser's authority counts here. */
  readonly trusted: readonly string[];
}

/** What Studio is given of backends: variables, and bindings in place of `[[mtls_certificates]]`. */
export interface LocalBackends {
  readonly variables: Readonly<Record<string, string>>;
  readonly bindings: Readonly<Record<string, object>>;
}

/** workerd's number for TLS 1.3. */
const tls13 = 5;

/**
 * Reads the file that `BACKENDS_FILE` names: an object of backends by their variables, `{"BACKEND_RECORDS": {…}}`.
 * workerd has no certificate bindings; an external service with TLS options does what one does, with real TLS.
 * @throws StackError `broken_state`
 */
export function readLocalBackends(path: string | undefined): LocalBackends {
  if (path === undefined || path === "") return { variables: {}, bindings: {} };
  try {
    const backends = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, LocalBackend>);
    const read = backends.map(([variable, backend]) => {
      if (!variable.startsWith(backendVariablePrefix)) throw new Error(`${variable} does not begin with BACKEND_`);
      const registration = parseRegistration(variable, backend.registration);
      return { variable, backend, binding: registration.mtls_binding, host: new URL(registration.base_url).hostname };
    });
    return {
      variables: Object.fromEntries(
        read.map(({ variable, backend }) => [variable, JSON.stringify(backend.registration)]),
      ),
      bindings: Object.fromEntries(read.map(({ backend, binding, host }) => [binding, externalService(backend, host)])),
    };
  } catch (error) {
    throw new StackError(
      "broken_state",
      `BACKENDS_FILE: ${(error as Error).message}`,
      "docs/backends.md says what it holds.",
    );
  }
}

/** A binding to a TLS server, as Miniflare takes it. @param host whose certificate it must show */
export function externalService(
  { address, client, trusted }: Omit<LocalBackend, "registration">,
  host: string,
): object {
  const keypair = client === undefined ? {} : { keypair: { privateKey: client.key, certificateChain: client.cert } };
  const tlsOptions = { ...keypair, trustedCertificates: [...trusted], trustBrowserCas: false, minVersion: tls13 };
  return { external: { address, https: { tlsOptions, certificateHost: host } } };
}
