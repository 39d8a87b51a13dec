import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BucketSettings, isBucket, objectUrl, uploadPartBytes } from "../../../core/exports/s3.ts";
import { createBucketPort, testBucket } from "../../../workers/capabilities/exports/destinations/bucket-port.ts";
import { type Lie, type S3Peer, s3Bucket, s3Credentials, s3Region, startS3Peer } from "../../support/aws/s3-peer.ts";
import { delivering, metaOf, resultOf } from "./support.ts";

let peer: S3Peer;
beforeAll(async () => {
  peer = await startS3Peer();
});
beforeEach(() => {
  peer.lies.length = 0;
  peer.asked.length = 0;
  peer.uploads.clear();
});
afterAll(() => peer.stop());

const settings = (over: Partial<BucketSettings> = {}): BucketSettings => ({
  endpoint: peer.origin,
  region: s3Region,
  bucket: s3Bucket,
  prefix: "sentinel/daily/",
  pathStyle: true,
  accessKeyId: s3Credentials.accessKeyId,
  ...over,
});
const small = Uint8Array.from(randomBytes(300_000));
/** Three parts, the last of them short. */
const big = Uint8Array.from(randomBytes(2 * uploadPartBytes + 12_345));
const deliver = async (
  bytes: Uint8Array,
  {
    over = {},
    secret = s3Credentials.secretAccessKey,
    askMsMax = 30_000,
  }: { over?: Partial<BucketSettings>; secret?: string; askMsMax?: number } = {},
) => {
  const meta = metaOf(bytes.length);
  const outcome = await createBucketPort(delivering([peer.origin], askMsMax), settings(over), secret).deliver(
    resultOf(bytes),
    meta,
  );
  return { outcome, meta, stored: peer.objects.get(`${s3Bucket}/sentinel/daily/${meta.fileName}`) };
};
const lie = (on: RegExp, ...lies: Lie[]): void => {
  for (const one of lies) peer.lies.push({ on, lie: one });
};

describe("a bucket of an organisation's own", () => {
  it("is given a small export in one signed request", async () => {
    const { outcome, meta, stored } = await deliver(small);
    expect(outcome).toEqual({ ok: true, place: `${s3Bucket}/sentinel/daily/${meta.fileName}` });
    expect(stored?.equals(small)).toBe(true);
    expect(peer.asked).toHaveLength(1);
  });

  it("is given an empty export", async () => {
    const { outcome, stored } = await deliver(new Uint8Array(0));
    expect([outcome.ok, stored?.length]).toEqual([true, 0]);
  });

  it("is given a large one in parts of one size, and shows nothing of it before the last", async () => {
    const { outcome, meta, stored } = await deliver(big);
    expect(outcome.ok).toBe(true);
    expect(stored?.equals(big)).toBe(true);
    expect(peer.uploads.size).toBe(0);
    expect(
      peer.asked.map((line) => line.split(/[ ?&]/)).map(([method, , query]) => `${method} ${query?.split("=")[0]}`),
    ).toEqual(["POST uploads", "PUT partNumber", "PUT partNumber", "PUT partNumber", "POST uploadId"]);
    expect(meta.fileName).toContain(meta.id);
  });

  it("holds one export however often it is delivered", async () => {
    const meta = metaOf(small.length);
    const port = createBucketPort(delivering([peer.origin]), settings(), s3Credentials.secretAccessKey);
    const before = peer.objects.size;
    await port.deliver(resultOf(small), meta);
    await port.deliver(resultOf(small), meta);
    expect(peer.objects.size).toBe(before + 1);
  });

  it.each<[string, Lie]>([
    ["503", { status: 503, code: "SlowDown" }],
    ["429", { status: 429 }],
    ["a 400 that means later", { status: 400, code: "RequestTimeout" }],
    ["a cut connection", "cut"],
  ])("is asked again after %s, with the same bytes", async (_, told) => {
    lie(/^PUT .*partNumber=2/, told, told);
    const { outcome, stored } = await deliver(big);
    expect(outcome.ok).toBe(true);
    expect(stored?.equals(big)).toBe(true);
  });

  it.each<[string, Lie, string]>([
    ["503", { status: 503 }, "refused_for_now"],
    ["a cut connection", "cut", "unreachable"],
  ])("is left alone after %s three times, and the upload is given up", async (_, told, code) => {
    lie(/^PUT .*partNumber=2/, told, told, told);
    const { outcome, stored } = await deliver(big);
    expect(outcome).toEqual({ ok: false, code });
    expect(stored).toBeUndefined();
    expect(peer.uploads.size).toBe(0);
  });

  it.each<[string, Lie]>([
    ["403", { status: 403, code: "AccessDenied" }],
    ["404", { status: 404, code: "NoSuchBucket" }],
    ["a redirect, which could lead inside", { status: 302, location: "http://169.254.169.254/latest/" }],
    ["another region", { status: 301, code: "PermanentRedirect" }],
  ])("that answers %s is asked once", async (_, told) => {
    lie(/^PUT/, told);
    expect((await deliver(small)).outcome).toEqual({ ok: false, code: "refused" });
    expect(peer.asked).toHaveLength(1);
  });

  it("refuses what another secret signed, or another identifier", async () => {
    expect((await deliver(small, { secret: "another-secret-another-secret" })).outcome).toEqual({
      ok: false,
      code: "refused",
    });
    expect((await deliver(small, { over: { accessKeyId: "AKIAANOTHER" } })).outcome).toEqual({
      ok: false,
      code: "refused",
    });
    expect((await deliver(small, { over: { region: "us-east-1" } })).outcome).toEqual({ ok: false, code: "refused" });
  });

  it("that never answers is given up in time", async () => {
    lie(/^PUT/, "silent", "silent", "silent");
    expect((await deliver(small, { askMsMax: 50 })).outcome).toEqual({ ok: false, code: "too_slow" });
  });

  it.each<[string, RegExp, Lie]>([["no tag of the object", /^PUT/, "no_etag"]])(
    "is not believed with %s",
    async (_, on, told) => {
      lie(on, told);
      expect((await deliver(small)).outcome).toEqual({ ok: false, code: "refused_for_now" });
    },
  );

  it.each<[string, RegExp, Lie, string]>([
    ["no name of the upload", /uploads=/, "no_upload_id", "refused_for_now"],
    ["no tag of a part", /partNumber=1/, "no_etag", "refused_for_now"],
    ["a tag of other bytes", /partNumber=1/, "wrong_etag", "refused"],
    ["200 and then an error", /^POST .*uploadId=/, "late_error", "refused_for_now"],
  ])("is not believed with %s, and no part stays behind", async (_, on, told, code) => {
    lie(on, told);
    const { outcome, stored } = await deliver(big);
    expect(outcome).toEqual({ ok: false, code });
    expect(stored).toBeUndefined();
    expect(peer.uploads.size).toBe(0);
  });

  it("never gets a result that is cut off or too long, nor keeps parts of it", async () => {
    const port = createBucketPort(delivering([peer.origin]), settings(), s3Credentials.secretAccessKey);
    const before = peer.objects.size;
    for (const bytes of [small, big]) {
      await expect(port.deliver(resultOf(bytes.subarray(1)), metaOf(bytes.length))).rejects.toThrow("another length");
      await expect(port.deliver(resultOf(bytes), metaOf(bytes.length - 1))).rejects.toThrow("another length");
    }
    expect(peer.objects.size).toBe(before);
    expect(peer.uploads.size).toBe(0);
  });

  it("takes a small object as a test, or says that it does not", async () => {
    const test = (over: Partial<BucketSettings> = {}) =>
      testBucket(delivering([peer.origin]), settings(over), s3Credentials.secretAccessKey);
    expect(await test()).toEqual({ ok: true, place: `${s3Bucket}/sentinel/daily/sentinel-test.txt` });
    expect(await test({ bucket: "another-bucket" })).toEqual({ ok: false, code: "refused" });
  });
});

describe("where a bucket is", () => {
  const aws: BucketSettings = {
    endpoint: "https://s3.eu-central-1.amazonaws.com",
    region: "eu-central-1",
    bucket: "acme",
    prefix: "",
    pathStyle: false,
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  };
  it("follows from its style", () => {
    expect(objectUrl(aws, "a.csv", new Set())?.href).toBe("https://acme.s3.eu-central-1.amazonaws.com/a.csv");
    expect(objectUrl({ ...aws, pathStyle: true, prefix: "x/" }, "a.csv", new Set())?.href).toBe(
      "https://s3.eu-central-1.amazonaws.com/acme/x/a.csv",
    );
  });

  it.each<[string, Partial<BucketSettings>]>([
    ["plain http", { endpoint: "http://s3.example.com" }],
    ["an address of a network's inside", { endpoint: "https://10.0.0.1" }],
    ["the metadata service, in another spelling", { endpoint: "https://0xa9fea9fe" }],
    ["IPv6", { endpoint: "https://[::1]" }],
    ["a private name", { endpoint: "https://minio.internal" }],
    ["another port", { endpoint: "https://s3.example.com:9000" }],
    ["a path", { endpoint: "https://s3.example.com/x" }],
    ["a query", { endpoint: "https://s3.example.com?x" }],
    ["user information", { endpoint: "https://u:p@s3.example.com" }],
    ["a bucket that is another host", { bucket: "evil.example/" }],
    ["a bucket with dots, which no certificate covers", { bucket: "my.bucket" }],
    ["a prefix that climbs", { prefix: "../other/", pathStyle: true }],
    ["a prefix with dots in disguise", { prefix: "%2e%2e/" }],
    ["a prefix with a question", { prefix: "a?b/" }],
    ["a prefix that is no folder", { prefix: "a" }],
    ["a region with a slash, which would be another scope", { region: "us/east" }],
    ["an identifier with a comma, which would be another field", { accessKeyId: "AKIA,Signature=0" }],
  ])("is none with %s", (_, over) => {
    expect(isBucket(aws, new Set())).toBe(true);
    expect(isBucket({ ...aws, ...over }, new Set())).toBe(false);
  });
});
