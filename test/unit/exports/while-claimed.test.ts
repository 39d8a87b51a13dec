import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createBucketPort } from "../../../workers/capabilities/exports/destinations/bucket-port.ts";
import { ClaimLost, whileClaimed } from "../../../workers/capabilities/exports/destinations/while-claimed.ts";
import { type S3Peer, s3Bucket, s3Credentials, s3Region, startS3Peer } from "../../support/aws/s3-peer.ts";
import { delivering, metaOf, resultOf } from "./support.ts";

let peer: S3Peer;
beforeAll(async () => {
  peer = await startS3Peer();
});
afterAll(() => peer.stop());

const large = Uint8Array.from(randomBytes(17 * 1024 ** 2));
const settings = {
  kind: "bucket" as const,
  endpoint: "",
  region: s3Region,
  bucket: s3Bucket,
  prefix: "",
  pathStyle: true,
  accessKeyId: s3Credentials.accessKeyId,
};

it("a claim that is lost between two parts ends the upload: no further part, no object, nothing that costs", async () => {
  let renewals = 0;
  const given = delivering([peer.origin]);
  const ask = whileClaimed(given.ask, async () => {
    renewals += 1;
    // It begins, puts one part, and is taken over.
    return renewals < 3;
  });
  const port = createBucketPort(
    { ...given, ask },
    { ...settings, endpoint: peer.origin },
    s3Credentials.secretAccessKey,
  );
  await expect(port.deliver(resultOf(large), metaOf(large.length))).rejects.toBeInstanceOf(ClaimLost);
  expect(peer.asked.map((line) => line.split(" ")[0])).toEqual(["POST", "PUT", "DELETE"]);
  expect([peer.uploads.size, peer.objects.size]).toEqual([0, 0]);
});
