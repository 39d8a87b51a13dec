import { describe, expect, it } from "vitest";
import { signAws } from "../../../workers/capabilities/aws-signature.ts";

/** Of the S3 API reference, "Examples: Signature Calculations" (Transferring Payload in a Single Chunk). */
const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const common = { region: "us-east-1", service: "s3", atMs: Date.parse("2013-05-24T00:00:00Z") } as const;
const signatureOf = ({ authorization = "" }: Record<string, string>): string =>
  authorization.split("Signature=")[1] ?? "";

describe("a signature for AWS", () => {
  it("is that of AWS's own example of PUT Object", async () => {
    const url = new URL("https://examplebucket.s3.amazonaws.com/test$file.text");
    const headers = { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" };
    const signed = await signAws(credentials, {
      ...common,
      method: "PUT",
      url,
      headers,
      body: "Welcome to Amazon S3.",
    });
    expect(signed).toEqual({
      ...headers,
      "x-amz-date": "20130524T000000Z",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      authorization:
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    });
  });

  it.each([
    ["?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("is that of AWS's own example of GET %s", async (query, signature) => {
    const url = new URL(`https://examplebucket.s3.amazonaws.com/${query}`);
    const signed = await signAws(credentials, { ...common, method: "GET", url, headers: {}, body: "" });
    expect(signatureOf(signed)).toBe(signature);
  });

  it("is another one for another host, body, region or minute", async () => {
    const url = new URL("https://a.example/x");
    const base = { ...common, method: "PUT", url, headers: {}, body: "one" } as const;
    const of = async (over: object): Promise<string> => signatureOf(await signAws(credentials, { ...base, ...over }));
    const all = await Promise.all(
      [{}, { url: new URL("https://b.example/x") }, { body: "two" }, { region: "eu-west-1" }, { atMs: 60_000 }].map(of),
    );
    expect(new Set(all).size).toBe(all.length);
  });
});
