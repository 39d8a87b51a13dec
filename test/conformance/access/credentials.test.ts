/** Who may connect at all, and that sessions belong to a credential: no other can take one over. */
import { describe, expect } from "vitest";
import { expectFarewell } from "../support/check.ts";
import { Client } from "../support/client.ts";
import { connect } from "../support/packets.ts";
import { newDevice, ownersApi, uniqueName } from "../support/target.ts";
import { sentinelOnly } from "./sentinel-only.ts";

const device = await newDevice();
const other = await newDevice();
const badCredentials = [0x86, 0x87];

describe.each([4, 5] as const)("level %i", (level) => {
  const refusals = level === 5 ? badCredentials : [4, 5];

  const wrong = [
    ["a token of nobody", { password: "wrong" }],
    ["another device's token", { password: other.token }],
    ["its token with a letter more", { password: `${device.token}a` }],
    ["its token with a letter less", { password: device.token.slice(0, -1) }],
    ["an empty token", { password: "" }],
    ["no token", { password: null }],
    ["no user name and no token", { username: null, password: null }],
    ["a user name of nobody", { username: "dev_01h455vb4pex5vsknk084sn02q" }],
    ["another device's name and its own token", { username: other.deviceId }],
    ["an empty user name", { username: "" }],
    ["its name in capitals", { username: device.deviceId.toUpperCase() }],
    ["its name with a wildcard", { username: "+" }],
    ["a token that is bytes and no text", { password: Buffer.from("00ff80", "hex") }],
  ] as const;
  for (const [what, options] of wrong)
    sentinelOnly(`${what} is refused, and the connection closed`, async () => {
      const { client, connack } = await device.attempt(level, options);
      expect(refusals).toContain(connack.code);
      expect(connack.sessionPresent).toBe(false);
      expect((await client.ended()).unread).toEqual([]);
    });

  sentinelOnly("another device with the same client id neither takes a session over nor sees it", async () => {
    const clientId = uniqueName("same");
    const lasting = {
      clientId,
      clean: false,
      ...(level === 5 ? { properties: [["sessionExpiryInterval", 60]] as const } : {}),
    };
    const mine = await device.connect(level, lasting);
    await mine.subscribe({ filter: device.scope()("a"), qos: 1 });
    const theirs = await other.attempt(level, lasting);
    expect(theirs.connack.sessionPresent).toBe(false);
    expect(await mine.fence()).toEqual([]);
    await theirs.client.disconnect();
    await mine.disconnect();
    const again = await other.attempt(level, { clientId });
    expect(again.connack.sessionPresent).toBe(false);
    await again.client.disconnect();
    const back = await device.attempt(level, lasting);
    expect(back.connack.sessionPresent).toBe(true);
    await back.client.disconnect();
    await (await device.connect(level, { clientId })).disconnect();
  });

  sentinelOnly("what another device says reaches nobody here", async () => {
    const mine = await device.connect(level);
    await mine.subscribe({ filter: `${device.prefix}mine/#`, qos: 1 });
    const theirs = await other.connect(level);
    await theirs.subscribe({ filter: `${other.prefix}mine/#`, qos: 1 });
    await theirs.publish({ topic: `${other.prefix}mine/a`, qos: 1 });
    await theirs.message();
    expect(await mine.fence()).toEqual([]);
    mine.drop();
    theirs.drop();
  });

  sentinelOnly("a revoked device is put out, and not let in again", async () => {
    const revoked = await newDevice();
    const topic = `${revoked.prefix}x`;
    const client = await revoked.connect(level);
    await client.subscribe({ filter: topic, qos: 1 });
    const api = await ownersApi();
    const { status } = await api.send("DELETE", `/api/v1/orgs/demo/devices/${revoked.deviceId}`);
    expect(status).toBeLessThan(300);
    await client.ended();
    const { client: again, connack } = await revoked.attempt(level);
    expect(refusals).toContain(connack.code);
    await again.ended();
  });

  sentinelOnly("a rotated token ends the old one's connections and admits the new one", async () => {
    const rotated = await newDevice();
    const client = await rotated.connect(level);
    const { status, body } = await (await ownersApi()).send<{ token: string }>(
      "POST",
      `/api/v1/orgs/demo/devices/${rotated.deviceId}/token`,
    );
    expect(status).toBeLessThan(300);
    await client.ended();
    expect(refusals).toContain((await rotated.attempt(level)).connack.code);
    const fresh = await rotated.connect(level, { password: body.token });
    expect(await fresh.fence()).toEqual([]);
    fresh.drop();
  });
});

sentinelOnly("a bearer token at the upgrade is as good as a password", async () => {
  const headers = { authorization: `Bearer ${device.token}` };
  const { client, connack } = await device.attempt(5, { headers, password: null });
  expect(connack.code).toBe(0);
  client.drop();
  const stolen = await device
    .attempt(5, { headers: { authorization: `Bearer ${other.token}` }, password: null })
    .catch(() => null);
  if (stolen !== null) expect(badCredentials).toContain(stolen.connack.code);
});

sentinelOnly("a device of one organisation does not get into another's path", async () => {
  const url = device.url.replace(/org_[a-z0-9]+/, "org_01h455vb4pex5vsknk084sn02q");
  await expect(Client.open(url, 5, "")).rejects.toThrow(/answered 4\d\d/);
});

sentinelOnly("a second CONNECT with other credentials is a protocol error, not a change of who one is", async () => {
  const client = await device.connect(5);
  client.send(connect(other.connectFields(5)));
  await expectFarewell(client, 0x82);
});
