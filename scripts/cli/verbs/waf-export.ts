import { type OrgSlug, parseId, parseSlug } from "../../../core/ids.ts";
import { exportWaf } from "../../../core/tenancy/waf-export.ts";
import { defaultWafPolicy, parseWafPolicy } from "../../../core/tenancy/waf-policy.ts";
import { CliError } from "../cli-error.ts";
import { readSnapshot } from "../database.ts";
import { orgArgument, orgOf } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import { stateFlag, type Verb } from "../verb.ts";

interface Row {
  readonly id: string;
  readonly slug: string;
  readonly document: unknown;
}

/** Prints an organisation's own rules of the firewall for a zone's WAF. It changes nothing, here or there. */
export const wafExport: Verb = {
  name: "waf export",
  summary: "Print an organisation's own firewall rules as Cloudflare Rules-language expressions",
  details:
    "One expression a line, behind comments with its name and action. What a zone can't express is said in a comment.\nWithout --state it reads the control database of DATABASE_URLS where that is set.",
  argument: orgArgument,
  flags: { state: stateFlag },
  examples: ["waf export demo"],
  async run(flags, print) {
    const named = flags["org"];
    if (named === undefined) throw new CliError("missing_argument", "say which organisation: waf export ORG", 2);
    const placements = placementUrls(flags["state"]);
    const [control] = placements;
    const org = await orgOf(flags, named, placements);
    const [row] = await readSnapshot(control.name, control.url, async (client) => {
      const { rows } = await client.query<Row>(
        `SELECT o.id, o.slug, w.document FROM control.organisations o
         LEFT JOIN control.org_policies w ON w.org_id = o.id AND w.name = 'waf' WHERE o.id = $1`,
        [org],
      );
      return rows;
    });
    const id = parseId("org", row?.id);
    const slug = parseSlug(row?.slug);
    if (row === undefined || id === null || slug === null)
      throw new CliError("not_found", "there is no such organisation");
    const policy = row.document === null ? defaultWafPolicy : parseWafPolicy(row.document);
    if (policy === null) throw new CliError("unreadable", "what is stored is no policy of this version");
    for (const line of exportWaf({ id, slug: slug as OrgSlug }, policy)) print(line);
    return 0;
  },
};
