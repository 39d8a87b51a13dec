import { existsSync } from "node:fs";
import { patternText } from "../../../core/backends/backend-route.ts";
import {
  backendName,
  backendsMax,
  backendVariablePrefix,
  parseRegistration,
} from "../../../core/backends/registration.ts";
import { CliError } from "../cli-error.ts";
import type { Verb } from "../verb.ts";

/** Largest variable of a Worker, in bytes (Cloudflare's limit). */
const variableBytesMax = 5 * 1024;

/** What is read of a wrangler.toml; wrangler's own type of it does not hold up under our settings. */
interface ReadConfig {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly mtls_certificates: readonly { readonly binding: string }[];
}

/** Reads the backends of a wrangler.toml as Studio will when it boots, and says what it would do with them. */
export const backendsCheck: Verb = {
  name: "backends check",
  summary: "Judge the backends that a wrangler.toml registers, as Studio does when it boots; changes nothing",
  details: "Exit status 1 says that Studio would not start with them. docs/backends.md says what a registration holds.",
  argument: { name: "config", value: "FILE", optional: true },
  flags: {},
  examples: ["backends check workers/studio/wrangler.toml"],
  async run(flags, print) {
    const config = flags["config"] ?? "workers/studio/wrangler.toml";
    if (!existsSync(config)) throw new CliError("not_found", "there is no such file");
    // Loaded here: it takes a second, and no other verb needs it.
    const { unstable_readConfig: readConfig } = await import("wrangler");
    const { vars, mtls_certificates: certificates } = readConfig({ config }) as ReadConfig;
    const bound = new Set(certificates.map(({ binding }) => binding));
    const registered = Object.entries(vars).filter(([variable]) => variable.startsWith(backendVariablePrefix));
    if (registered.length > backendsMax) throw new CliError("too_many", `more than ${backendsMax} backends`);
    let status = 0;
    for (const [variable, value] of registered) {
      try {
        for (const line of describe(variable, value, bound)) print(line);
      } catch (error) {
        print(`! ${(error as Error).message}`);
        status = 1;
      }
    }
    if (registered.length === 0) print("no backend is registered");
    return status;
  },
};

/** @throws Error that says what is wrong */
function describe(variable: string, value: unknown, bound: ReadonlySet<string>): string[] {
  const name = backendName(variable);
  if (name === null) throw new Error(`${variable} is no name of a backend`);
  const bytes = Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value));
  if (bytes > variableBytesMax) throw new Error(`${variable} is ${bytes} bytes; a variable holds ${variableBytesMax}`);
  const registration = parseRegistration(variable, value);
  if (!bound.has(registration.mtls_binding))
    throw new Error(`${variable} names ${registration.mtls_binding}, which [[mtls_certificates]] does not bind`);
  const { base_url, organisations, timeout_ms, routes } = registration;
  const whose = organisations === "all" ? "every organisation" : organisations.join(", ");
  return [
    `${name}: ${base_url}, ${timeout_ms} ms, for ${whose}`,
    ...routes.map(({ methods, path, roles }) => `  ${methods.join(",")} ${patternText(path)}: ${roles.join(", ")}`),
  ];
}
