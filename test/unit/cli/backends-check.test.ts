import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findVerb } from "../../../scripts/cli/parse.ts";
import { backendsCheck } from "../../../scripts/cli/verbs/backends-check.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-backends-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const certificate = '[[mtls_certificates]]\nbinding = "MTLS_RECORDS"\ncertificate_id = "c"\n';
const backend = (more = "") => `[vars.BACKEND_RECORDS]
base_url = "https://records.example/api"
mtls_binding = "MTLS_RECORDS"
organisations = "all"
timeout_ms = 5000
${more}
[[vars.BACKEND_RECORDS.routes]]
methods = ["GET"]
path = "/students/{student}"
roles = ["owner"]
`;
async function check(text: string): Promise<{ status: number; lines: string[] }> {
  const config = join(folder, "wrangler.toml");
  writeFileSync(config, `name = "x"\ncompatibility_date = "2026-10-20"\n${text}`);
  const lines: string[] = [];
  const status = await backendsCheck.run({ config }, (line) => lines.push(line));
  return { status, lines };
}

describe("backends check", () => {
  it("is a verb, and shows what would be served", async () => {
    expect(findVerb(["backends", "check", "x"])).toMatchObject({ verb: { name: "backends check" } });
    expect(await check(certificate + backend())).toEqual({
      status: 0,
      lines: [
        "records: https://records.example/api, 5000 ms, for every organisation",
        "  GET /students/{student}: owner",
      ],
    });
    expect(await check("")).toEqual({ status: 0, lines: ["no backend is registered"] });
  });

  it.each([
    ["a certificate that is not bound", backend(), "[[mtls_certificates]] does not bind"],
    ["a field that is not known", certificate + backend("verify = false"), "BACKEND_RECORDS:"],
    ["too many retries", certificate + backend("retries = 9"), "BACKEND_RECORDS: retries"],
  ])("fails with %s", async (_, text, why) => {
    const { status, lines } = await check(text);
    expect([status, lines.join()]).toEqual([1, expect.stringContaining(why)]);
  });
});
