import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KeyUnavailable, type KeyWrapper } from "../../../core/crypto/key-wrapper.ts";
import { createAwsKmsKeeper, parseKeyArn } from "../../../workers/capabilities/keys/aws-kms-keeper.ts";
import { createHttpsKeeper } from "../../../workers/capabilities/keys/https-keeper.ts";
import { createKeeperFetch, keeperAnswerBytesMax } from "../../../workers/capabilities/keys/keeper-fetch.ts";
import { credentials, type KmsPeer, keyArn, region, startKmsPeer } from "./kms-peer.ts";
import { newId } from "./mesh.ts";

const org = newId("org");
const newKey = (): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(32));
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "answered",
    (error: unknown) => (error instanceof KeyUnavailable ? error.reason : `thrown: ${String(error)}`),
  );

describe("a key in AWS KMS", () => {
  let peer: KmsPeer;
  let keeper: KeyWrapper;
  const made = (over: { secretAccessKey?: string; arn?: string; now?: () => number } = {}): KeyWrapper =>
    createAwsKmsKeeper(
      { fetchKeeper: createKeeperFetch(peer.fetch, new Set()), now: over.now ?? Date.now },
      { keyArn: over.arn ?? keyArn },
      { ...credentials, secretAccessKey: over.secretAccessKey ?? credentials.secretAccessKey },
    );
  beforeAll(async () => {
    peer = await startKmsPeer();
    keeper = made();
  });
  beforeEach(() => {
    peer.fails = null;
  });
  afterAll(() => peer.stop());

  it("wraps and unwraps over TLS, with organisation and purpose in the encryption context", async () => {
    const key = newKey();
    const wrapped = await keeper.wrap(org, key, "data-key:1");
    expect(await keeper.unwrap(org, wrapped, "data-key:1")).toEqual(key);
    expect(peer.asked.slice(-2)).toEqual([
      { action: "Encrypt", context: { org, purpose: "data-key:1" } },
      { action: "Decrypt", context: { org, purpose: "data-key:1" } },
    ]);
    expect(await reasonOf(keeper.unwrap(newId("org"), wrapped, "data-key:1"))).toBe("refused");
    expect(await reasonOf(keeper.unwrap(org, wrapped, "data-key:2"))).toBe("refused");
  });

  it("is refused with a wrong secret or a clock that is off, and never asked twice", async () => {
    const before = peer.asked.length;
    expect(await reasonOf(made({ secretAccessKey: "wrong" }).wrap(org, newKey(), "p"))).toBe("refused");
    expect(await reasonOf(made({ now: () => Date.now() - 600_000 }).wrap(org, newKey(), "p"))).toBe("refused");
    expect(peer.asked).toHaveLength(before);
  });

  it.each([
    ["DisabledException", 400, "refused"],
    ["KMSInvalidStateException", 400, "refused"],
    ["AccessDeniedException", 400, "refused"],
    ["NotFoundException", 400, "refused"],
    ["com.amazonaws.kms#DisabledException", 400, "refused"],
    ["ThrottlingException", 400, "unreachable"],
    ["KMSInternalException", 500, "unreachable"],
    ["KeyUnavailableException", 500, "unreachable"],
  ])("answering %s (%i) is %s", async (type, status, reason) => {
    const wrapped = await keeper.wrap(org, newKey(), "p");
    peer.fails = { status, type };
    expect(await reasonOf(keeper.unwrap(org, wrapped, "p"))).toBe(reason);
  });

  it("answers for itself: what another key did is not taken", async () => {
    peer.fails = "another_key";
    expect(await reasonOf(keeper.wrap(org, newKey(), "p"))).toBe("malformed");
  });

  it("is named by the ARN of a key, from which its address follows", () => {
    expect(parseKeyArn(keyArn)).toEqual({ region, host: "kms.eu-central-1.amazonaws.com" });
    expect(parseKeyArn(keyArn.replace("arn:aws:", "arn:aws-cn:").replace(region, "cn-north-1"))?.host).toBe(
      "kms.cn-north-1.amazonaws.com.cn",
    );
    for (const wrong of [
      "",
      "alias/mine",
      `arn:aws:kms:${region}:111122223333:alias/mine`,
      keyArn.replace(region, "eu-central-1.attacker.example"),
      keyArn.replace(region, "attacker.example/"),
      keyArn.replace("arn:aws:", "arn:evil:"),
      `${keyArn}\n`,
      ` ${keyArn}`,
    ])
      expect(parseKeyArn(wrong), wrong).toBeNull();
  });
});

describe("a key service of the organisation's own", () => {
  let server: Server;
  let origin: string;
  let respond: (incoming: IncomingMessage, outgoing: ServerResponse, body: string) => void;
  const seen: { url: string; authorization: string; body: Record<string, unknown> }[] = [];
  beforeAll(async () => {
    server = createServer(async (incoming, outgoing) => {
      let body = "";
      for await (const chunk of incoming) body += String(chunk);
      const { url = "", headers } = incoming;
      seen.push({ url, authorization: String(headers.authorization), body: JSON.parse(body) as never });
      respond(incoming, outgoing, body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const answering = (status: number, body: string, headers: Record<string, string> = {}): void => {
    respond = (_, outgoing) => outgoing.writeHead(status, headers).end(body);
  };
  const keeperAt = (address: string, loopback: string[] = [origin], answerMsMax = 5_000): KeyWrapper =>
    createHttpsKeeper(createKeeperFetch(fetch, new Set(loopback), { answerMsMax }), { address }, "token-1");

  it("is posted organisation, purpose and key, with its bearer token", async () => {
    const key = newKey();
    const encoded = Buffer.from(key).toString("base64url");
    answering(200, JSON.stringify({ wrapped: "w.1" }));
    expect(await keeperAt(`${origin}/v1`).wrap(org, key, "data-key:1")).toBe("w.1");
    answering(200, JSON.stringify({ key: encoded }));
    expect(await keeperAt(`${origin}/v1`).unwrap(org, "w.1", "data-key:1")).toEqual(key);
    const about = { version: 1, org, purpose: "data-key:1" };
    expect(seen.slice(-2)).toEqual([
      { url: "/v1/wrap", authorization: "Bearer token-1", body: { ...about, key: encoded } },
      { url: "/v1/unwrap", authorization: "Bearer token-1", body: { ...about, wrapped: "w.1" } },
    ]);
  });

  it.each([
    ["400", 400, "{}", "refused"],
    ["401", 401, "{}", "refused"],
    ["403", 403, "{}", "refused"],
    ["404", 404, "<html>", "refused"],
    ["410", 410, "", "refused"],
    ["408", 408, "{}", "unreachable"],
    ["429", 429, "{}", "unreachable"],
    ["500", 500, "{}", "unreachable"],
    ["503", 503, "{}", "unreachable"],
    ["an empty answer", 200, "", "malformed"],
    ["no JSON", 200, "<html>", "malformed"],
    ["a list", 200, "[]", "malformed"],
    ["no key", 200, "{}", "malformed"],
    ["a key that is a number", 200, '{"key":1}', "malformed"],
    ["a short key", 200, `{"key":"${"A".repeat(42)}"}`, "malformed"],
    ["a long key", 200, `{"key":"${"A".repeat(44)}"}`, "malformed"],
    ["too much", 200, `{"key":"${"A".repeat(keeperAnswerBytesMax)}"}`, "malformed"],
  ])("answering %s is no key", async (_, status, body, reason) => {
    answering(status, body);
    expect(await reasonOf(keeperAt(origin).unwrap(org, "w.1", "p"))).toBe(reason);
  });

  it.each([
    ["is empty", ""],
    ["holds a space", "a b"],
    ["holds a line break", "a\nb"],
    ["is longer than a column takes", "x".repeat(8_193)],
  ])("a wrapped key that %s is none", async (_, wrapped) => {
    answering(200, JSON.stringify({ wrapped }));
    expect(await reasonOf(keeperAt(origin).wrap(org, newKey(), "p"))).toBe("malformed");
  });

  it("is not followed elsewhere", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      answering(status, "", { Location: `${origin}/stolen` });
      expect(await reasonOf(keeperAt(origin).unwrap(org, "w.1", "p"))).toBe("malformed");
    }
    expect(seen.some(({ url }) => url.startsWith("/stolen"))).toBe(false);
  });

  it("that does not answer, or does not end its answer, is given up", async () => {
    respond = () => undefined;
    expect(await reasonOf(keeperAt(origin, [origin], 50).unwrap(org, "w.1", "p"))).toBe("unreachable");
    respond = (_, outgoing) => void outgoing.writeHead(200).write('{"key":"');
    expect(await reasonOf(keeperAt(origin, [origin], 50).unwrap(org, "w.1", "p"))).toBe("unreachable");
    server.closeAllConnections();
    expect(await reasonOf(keeperAt("http://127.0.0.1:1", ["http://127.0.0.1:1"]).unwrap(org, "w.1", "p"))).toBe(
      "unreachable",
    );
  });

  it("is never on a private name, an address literal, another port or without TLS", async () => {
    const before = seen.length;
    for (const address of [
      origin,
      "http://keys.example.org",
      "https://127.0.0.1",
      "https://[::1]",
      "https://0x7f.1",
      "https://169.254.169.254/latest",
      "https://keys.internal",
      "https://localhost",
      "https://keys",
      "https://keys.example.org:8443",
      "https://user:password@keys.example.org",
    ])
      expect(await reasonOf(keeperAt(address, []).unwrap(org, "w.1", "p")), address).toBe("malformed");
    expect(seen).toHaveLength(before);
  });
});
