import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { refuseLogAddress } from "../audit/log-address.ts";
import { linesOfLog } from "../audit/log-file.ts";
import { openLog } from "../audit/open-log.ts";
import { CliError } from "../cli-error.ts";
import type { Verb } from "../verb.ts";

/** Writes an organisation's audit log, with all that is needed to verify it, to a file. */
export const auditExport: Verb = {
  name: "audit export",
  summary: "Write an audit log and its proof to a file that can be verified without the server",
  details:
    "What it writes is what was signed, nothing of it verified yet: audit verify does that. The leaves hold no\npersonal values, only commitments to them (docs/audit-leaf.md).",
  argument: { name: "log", value: "URL", refuse: refuseLogAddress },
  flags: {
    "key-file": { value: "FILE", help: "file that holds an API key which may read the log" },
    out: { value: "FILE", help: "where to; must not be there yet" },
  },
  examples: ["audit export https://sentinel.example/api/v1/orgs/demo/audit --key-file key --out demo.log"],
  async run(flags, print) {
    const { out } = flags;
    if (out === undefined) throw new CliError("missing_value", "say where to: --out FILE", 2);
    const log = await openLog(flags["log"] as string, flags["key-file"]);
    const file = createWriteStream(out, { flags: "wx", mode: 0o600, flush: true });
    const done = finished(file).catch((error: NodeJS.ErrnoException) => {
      throw new CliError("bad_file", `can't write ${out} (${error.code})`);
    });
    const written = (async () => {
      for await (const line of linesOfLog(log)) if (!file.write(`${line}\n`)) await once(file, "drain");
      file.end();
    })();
    await Promise.all([written, done]);
    print(`${out}: ${log.checkpoint.split("\n")[1]} entries and what proves them`);
    return 0;
  },
};
