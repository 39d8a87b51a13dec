import { expect, it } from "vitest";
import { asSuperuser, freshTenant, newOrgId, setup } from "../support.ts";
import { runCli } from "./run-cli.ts";

const environment = { DATABASE_URLS: JSON.stringify(setup.ownerUrls) };
const move = (...args: string[]) => runCli(["tenants", "move", ...args], environment);

it("says beforehand what would be moved and whether there is room, and changes nothing", async () => {
  const { org, placement } = await freshTenant();
  const target = placement === "first" ? "second" : "first";
  const { status, stdout } = move(org, "--to", target, "--dry-run");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    new RegExp(`^${org} is on ${placement}: \\d+ tables, some \\d+ KiB\n${target} has room for \\d+ more\n$`),
  );
  const [row] = await asSuperuser(
    `SELECT placement, moving_to, EXISTS (SELECT FROM control.placement_moves m WHERE m.org_id = $1) AS begun
     FROM control.organisation_placements WHERE org_id = $1`,
    [org],
  );
  expect(row).toEqual({ placement, moving_to: null, begun: false });
});

it("names what is in the way, with a status that scripts can read, and no address", async () => {
  const { org, placement } = await freshTenant();
  for (const [args, code, exit] of [
    [[org], "missing_value", 2],
    [[org, "--to", "NOWHERE"], "invalid_value", 2],
    [[org, "--to", "nowhere", "--dry-run"], "no_such_placement", 1],
    [[org, "--to", placement, "--dry-run"], "no_such_placement", 1],
    [["nobody-here", "--to", "second"], "no_such_organisation", 1],
    [[newOrgId(), "--to", "second"], "no_such_tenant", 1],
    [[org, "--give-up"], "not_moving", 1],
  ] as const) {
    const { status, stderr } = move(...args);
    expect([status, stderr.split(":")[0]], args.join(" ")).toEqual([exit, code]);
    for (const url of Object.values(setup.ownerUrls)) expect(stderr).not.toContain(new URL(url).password);
  }
});

it("explains itself, and how to go on after a kill and how to go back", () => {
  const { status, stdout } = move("--help");
  expect(status).toBe(0);
  for (const words of ["--dry-run", "--give-up", "the same command goes on", "org_moving"])
    expect(stdout).toContain(words);
});
