import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createFileKeeper, openKeeper } from "../../keeper/file-keeper.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { readPrivateFile } from "../private-file.ts";
import type { FlagSpec, Flags, Verb } from "../verb.ts";

const path = (help: string): FlagSpec => ({
  value: "FILE",
  help,
  refuse: (value) => (value.includes("\0") ? "is not a path" : null),
});

function required(flags: Flags, name: string): string {
  const value = flags[name];
  if (value === undefined) throw new CliError("missing_value", `say --${name}`, 2);
  return value;
}

/** A secret of 32 random bytes in a new file that nobody else can read. */
export const keeperMakeKey: Verb = {
  name: "keeper make-key",
  summary: "Make the key of a key service, or its token, in a new file that only you can read",
  details: "Keep a copy of the key where the service is not: without it nothing of the organisation opens.",
  flags: { file: path("the new file") },
  examples: ["keeper make-key --file keeper.key", "keeper make-key --file keeper.token"],
  async run(flags, print) {
    const file = required(flags, "file");
    try {
      writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
    } catch (error) {
      throw new CliError("not_written", `can't make ${file} (${reasonOf(error)})`);
    }
    print(`made ${file}`);
    return 0;
  },
};

/** A key service on this machine, with its key in a file. */
export const keeper: Verb = {
  name: "keeper",
  summary: "Keep an organisation's key-encryption key in a file, as a key service for Sentinel",
  details: [
    "Serves the protocol of docs/runbooks/byok.md. Moving the key's file away withdraws the key at once; within",
    "ten minutes nothing that it sealed can be read. To change the key put the new one in the first line and the",
    "old one in the second, and save the settings in Sentinel again. Without --tls-cert it listens on loopback alone.",
  ].join("\n"),
  flags: {
    "key-file": path("one key, or the new and the old: see keeper make-key"),
    "token-file": path("what Sentinel shows to be let in"),
    port: {
      value: "PORT",
      help: "default 8443",
      refuse: (value) => (/^\d{1,5}$/.test(value) && Number(value) < 65_536 ? null : "is no port"),
    },
    "tls-cert": path("certificate chain in PEM, for the name that Sentinel calls"),
    "tls-key": path("its private key in PEM"),
  },
  examples: ["keeper --key-file keeper.key --token-file keeper.token --tls-cert cert.pem --tls-key key.pem"],
  async run(flags, print) {
    const code = "bad_key_file";
    const keyFile = required(flags, "key-file");
    await openKeeper(readPrivateFile({ path: keyFile, code })).catch(() => {
      throw new CliError(code, `${keyFile} does not hold one key, or two, of 32 bytes in base64url`);
    });
    const token = readPrivateFile({ path: required(flags, "token-file"), code: "bad_token_file" });
    const { "tls-cert": cert, "tls-key": key } = flags;
    if ((cert === undefined) !== (key === undefined))
      throw new CliError("missing_value", "--tls-cert and --tls-key go together", 2);
    const server = createFileKeeper({
      readKeys: () => (existsSync(keyFile) ? readPrivateFile({ path: keyFile, code }) : null),
      token,
      tls:
        cert === undefined || key === undefined
          ? null
          : { cert: readFileSync(cert, "utf8"), key: readPrivateFile({ path: key, code }) },
      log: print,
    });
    server.listen(Number(flags["port"] ?? 8443), cert === undefined ? "127.0.0.1" : undefined);
    await Promise.race([once(server, "listening"), once(server, "error").then(([error]) => Promise.reject(error))]);
    const { port } = server.address() as AddressInfo;
    print(`keeps ${keyFile} at ${cert === undefined ? "http://127.0.0.1" : "https://…"}:${port}; end it with Ctrl-C`);
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
    server.close();
    server.closeAllConnections();
    return 0;
  },
};
