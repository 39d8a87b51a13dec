import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { unwrappedMsMax } from "../../../core/crypto/unwrapped-keys.ts";
import type { KeeperInput } from "../../../core/rpc/encryption.ts";
import { createFileKeeper } from "../../../scripts/keeper/file-keeper.ts";
import { createKit, type Isolate, type Kit } from "./kit.ts";

const newKey = (): string => randomBytes(32).toString("base64url");
const token = newKey();
let kit: Kit;
let server: Server;
let origin: string;
let file: string | null;
let lines: string[];
let nowMs: number;
beforeAll(async () => {
  kit = await createKit();
});
beforeEach(async () => {
  [file, lines, nowMs] = [newKey(), [], Date.now()];
  server = createFileKeeper({ readKeys: () => file, token, tls: null, log: (line) => lines.push(line) });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const post = (path: string, body: unknown, authorization = `Bearer ${token}`): Promise<number> =>
  fetch(`${origin}${path}`, {
    method: "POST",
    headers: { Authorization: authorization },
    body: typeof body === "string" ? body : JSON.stringify(body),
  }).then((response) => response.status);

describe("a key in a file of the customer's", () => {
  const isolate = (loopback = origin): Isolate =>
    kit.isolate({ now: () => nowMs, env: { LOOPBACK_KEEPERS: loopback } });
  const input = (): KeeperInput => ({ kind: "https", address: `${origin}/v1`, token });

  it("seals an organisation's commands, from saving the settings to moving the file away and back", async () => {
    const { org, device } = await kit.organisation();
    const by = isolate();
    const encryption = () => kit.as(org, "capabilities.encryption");
    const devices = () => kit.as(org, "capabilities.devices");
    const list = async (made: Isolate) =>
      made.devices.listCommands(await devices(), device, { limit: 9, cursor: null });
    expect((await by.encryption.changeKeeper(await encryption(), input())).ok).toBe(true);
    const command = { name: "ping", args: { note: "n" }, ttlSeconds: 60 } as const;
    expect((await by.devices.sendCommand(await devices(), device, command)).ok).toBe(true);
    expect((await list(isolate())).ok).toBe(true);
    expect(lines.every((line) => line.includes(org) && line.endsWith(": 200"))).toBe(true);

    const kept = file;
    file = null;
    nowMs += unwrappedMsMax;
    expect(await list(by)).toEqual({ ok: false, code: "key_unavailable" });
    file = kept;
    nowMs += 5_000;
    expect((await list(by)).ok).toBe(true);

    // A new key in the first line: saved again, the old one can go.
    const next = newKey();
    file = `${next}\n${kept}`;
    expect((await by.encryption.changeKeeper(await encryption(), input())).ok).toBe(true);
    file = next;
    expect((await list(isolate())).ok).toBe(true);
    file = kept;
    expect(await list(isolate())).toEqual({ ok: false, code: "key_unavailable" });
  });

  it("is not asked at all where development did not let its address through", async () => {
    const { org } = await kit.organisation();
    const result = await isolate("").encryption.changeKeeper(await kit.as(org, "capabilities.encryption"), input());
    expect(result).toEqual({ ok: false, code: "invalid_request" });
    expect(lines).toEqual([]);
  });

  it("leads nowhere inside, and names no key that could be another one tomorrow", async () => {
    const { org } = await kit.organisation();
    const { encryption } = isolate();
    const aws = { kind: "aws_kms", accessKeyId: "A".repeat(20), secretAccessKey: "s".repeat(40) } as const;
    for (const keeper of [
      { kind: "https", address: "http://keys.example.org", token },
      { kind: "https", address: "https://169.254.169.254/latest", token },
      { kind: "https", address: "https://10.0.0.8/v1", token },
      { kind: "https", address: "https://keys.internal", token },
      { ...aws, keyArn: "arn:aws:kms:ap-south-1:111122223333:alias/mine" },
      { ...aws, keyArn: "arn:aws:kms:x.attacker.example:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" },
    ] as const)
      expect(await encryption.changeKeeper(await kit.as(org, "capabilities.encryption"), keeper)).toEqual({
        ok: false,
        code: "invalid_request",
      });
  });

  it("is given to whoever shows its token, for what is asked for rightly", async () => {
    const asked = { version: 1, org: "org_01h455vb4pex5vsknk084sn02q", purpose: "data-key:1", key: newKey() };
    expect(await post("/v1/wrap", asked)).toBe(200);
    for (const wrong of ["", "Bearer ", `Bearer ${newKey()}`, `bearer ${token}`, token])
      expect(await post("/v1/wrap", asked, wrong), wrong).toBe(401);
    for (const change of [
      { version: 2 },
      { org: "org_x" },
      { purpose: "A b" },
      { purpose: 1 },
      { key: "short" },
      { key: null },
    ])
      expect(await post("/v1/wrap", { ...asked, ...change }), JSON.stringify(change)).toBe(400);
    for (const body of ["", "[", "null", "x".repeat(20_000)]) expect(await post("/v1/wrap", body)).toBe(400);
    expect(await post("/v1/unwrap", { ...asked, wrapped: "s1.x.y.z" })).toBe(403);
    expect(await post("/v1/keys", asked)).toBe(404);
    expect(lines.join()).not.toContain(asked.key);
  });
});
