import { tellHub } from "../../backup/run.ts";
import { CliError } from "../cli-error.ts";
import { hubLink } from "../hub-routes.ts";
import { operatorFlags } from "../operator.ts";
import { orgFlag } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import type { Verb } from "../verb.ts";
import { failing, requiredOrg } from "./backup-flags.ts";

export const hubReconcile: Verb = {
  name: "hub reconcile",
  summary: "Tells an organisation's hub which devices, tokens and groups its database has",
  details: [
    "The last step of a restore, for when it could not be taken. Devices that the database does not have are",
    "forgotten and their sockets closed. Doing it again changes nothing. It needs the database (--state, or",
    "DATABASE_URLS) and a Sentinel that runs (--state, or --url with --token-file).",
  ].join("\n"),
  flags: { org: orgFlag("the organisation"), ...operatorFlags },
  async run(flags, print) {
    const world = { placements: placementUrls(flags["state"]), hub: hubLink(flags) };
    const org = await requiredOrg(flags, "org");
    const devices = await failing(() => tellHub(world, org));
    if (devices === null) throw new CliError("no_url", "say --url, or --state", 2);
    print(`✓ the hub knows ${devices} devices`);
    return 0;
  },
};
