import { refuseLogAddress } from "../audit/log-address.ts";
import { runWitness } from "../audit/witness/run-witness.ts";
import { untilTold } from "../audit/witness/until-told.ts";
import { refuseWitnessName } from "../audit/witness/witness-key.ts";
import { refuseEvery, witnessOptions } from "../audit/witness/witness-options.ts";
import type { Verb } from "../verb.ts";

/** Runs a witness of an organisation's audit log. */
export const auditWitness: Verb = {
  name: "audit witness",
  summary: "Watch an audit log and cosign its checkpoints as long as it does nothing but grow",
  details: [
    "It calls out and is never called. The first time it makes a key in DIR, says what to register, and wants the",
    "token that is shown then in DIR/token. What it saw last is in DIR/known: without that file it believes anew.",
    "",
    "Exit status: 0 cosigned, or told to stop; 1 the log is not what it was, and nothing was signed; 2 something is",
    "to be set up first; 3 it could not be asked (--once).",
    "Schools without this repository: sentinel-audit-witness.mjs is the same in one file (docs/runbooks/audit-witness.md).",
  ].join("\n"),
  argument: { name: "log", value: "URL", refuse: refuseLogAddress },
  flags: {
    dir: { value: "DIR", help: "where key, token and what was seen are kept" },
    name: { value: "NAME", help: "how a new key is called: school.example/witness", refuse: refuseWitnessName },
    every: { value: "SECONDS", help: "how often it looks (default 60)", refuse: refuseEvery },
    once: { value: null, help: "look once and end" },
  },
  examples: ["audit witness https://sentinel.example/api/v1/orgs/demo/audit --dir witness --name school.example/w1"],
  run(flags, print) {
    const { log, dir, name, every } = flags;
    const options = witnessOptions({ log, dir, name, every, once: flags["once"] !== undefined });
    return runWitness(options, print, untilTold());
  },
};
