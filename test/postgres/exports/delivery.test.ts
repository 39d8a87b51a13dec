/** An export on its way to a bucket of the organisation's own, which verifies every signature. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ExportId } from "../../../core/ids.ts";
import { runExport } from "../../../workers/studio/exports/run.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import { type S3Peer, s3Bucket, s3Credentials, s3Region, startS3Peer } from "../../support/aws/s3-peer.ts";
import { dying, outlived } from "./dying.ts";
import { createExportsKit, type ExportsKit } from "./kit.ts";

let peer: S3Peer;
let kit: ExportsKit;
let org: Organisation;
let destination: string;
let bucket: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  peer = await startS3Peer();
  kit = await createExportsKit([peer.origin]);
  org = await kit.organisation();
  bucket = {
    kind: "bucket",
    name: "ours",
    endpoint: peer.origin,
    region: s3Region,
    bucket: s3Bucket,
    path_style: true,
    access_key_id: s3Credentials.accessKeyId,
  };
  const { status, body } = await kit.send("POST", `/api/v1/orgs/${org.slug}/export-destinations`, {
    token: org.owner.token,
    body: { ...bucket, secret_access_key: s3Credentials.secretAccessKey },
  });
  expect(status).toBe(201);
  destination = body.id;
}, 180_000);
afterAll(() => peer.stop());
beforeEach(() => {
  kit.clock.nowMs = Date.now();
  peer.asked.length = 0;
  peer.objects.clear();
});

const begin = (): Promise<ExportId> => kit.begin(org, org.owner, { source: "inventory", format: "csv", destination });
const delivered = (): string[] => [...peer.objects.values()].map((bytes) => bytes.toString());
/** Something happens before each request, when the claim is renewed. */
const withRenewal = (renew: (order: () => Promise<boolean>) => Promise<boolean>): Services => {
  const { services } = kit.studio;
  const { exports } = services;
  return {
    ...services,
    exports: {
      ...exports,
      deliver: (call, order) => exports.deliver(call, { ...order, onProgress: () => renew(order.onProgress) }),
    },
  };
};

describe("a delivery", () => {
  it("that takes longer than a claim is begun by nobody else: each request renews it", async () => {
    const id = await begin();
    let renewed = 0;
    const slow = withRenewal(async (renew) => {
      await outlived(id);
      const goesOn = await renew();
      renewed += 1;
      // What the clock puts back into the queue meanwhile finds nothing to do.
      await runExport(kit.studio.services, id);
      return goesOn;
    });
    await runExport(slow, id);
    expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "done", failure: null });
    expect([renewed, peer.asked.length, delivered().length]).toEqual([1, 1, 1]);
  });

  it("whose claim was lost asks for nothing more, and leaves how it ends to whoever has it", async () => {
    const id = await begin();
    const before: number[] = [];
    const late = withRenewal(async (renew) => {
      await outlived(id);
      await runExport(kit.studio.services, id);
      before.push(peer.asked.length);
      return renew();
    });
    await runExport(late, id);
    expect(before).toEqual([1]);
    expect(peer.asked).toHaveLength(1);
    expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "done", failure: null });
  });

  it("stops before its next request when whoever asked for it is no member any more", async () => {
    const person = await kit.newMember(org, "admin");
    const { body } = await kit.ask(org, person, { source: "inventory", format: "csv", destination });
    const id = body.id as ExportId;
    const members = `/api/v1/orgs/${org.slug}/members/${person.id}`;
    const leaving = withRenewal(async (renew) => {
      expect((await kit.send("DELETE", members, { token: org.owner.token })).status).toBe(204);
      return renew();
    });
    await runExport(leaving, id);
    expect(peer.asked).toEqual([]);
    await outlived(id);
    await runExport(kit.studio.services, id);
    expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "failed", failure: "access_lost" });
    expect(peer.asked).toEqual([]);
  });

  it("goes where its destination led when a second administrator agreed, or nowhere", async () => {
    const at = `/api/v1/orgs/${org.slug}`;
    const { token } = org.owner;
    const admin = await kit.newMember(org, "admin");
    const settings = (rows: number) =>
      kit.send("PUT", `${at}/export-settings`, { token, body: { approval_rows: rows } });
    const point = async (prefix: string): Promise<void> => {
      const body = { ...bucket, prefix, secret_access_key: s3Credentials.secretAccessKey };
      const path = `${at}/export-destinations/${destination}`;
      expect((await kit.send("PUT", path, { token: admin.token, body })).status).toBe(200);
    };
    const agreed = async (meanwhile: () => Promise<void>) => {
      const { body } = await kit.ask(org, admin, { source: "inventory", format: "csv", destination });
      expect(body.state).toBe("waiting_approval");
      expect((await kit.send("POST", `${at}/exports/${body.id}/approve`, { token })).status).toBe(204);
      await meanwhile();
      await kit.turn(body.id);
      return kit.show(org, org.owner, body.id);
    };
    expect((await settings(0)).status).toBe(200);
    const changed = await agreed(() => point("elsewhere/"));
    expect(changed).toMatchObject({ state: "failed", failure: "destination_changed" });
    expect(peer.asked).toEqual([]);
    // A new secret of the same place is no other place.
    expect((await agreed(() => point("elsewhere/"))).state).toBe("done");
    expect([...peer.objects.keys()][0]).toContain("elsewhere/");
    await point("");
    await settings(100_000);
  });

  it("that its destination does not take for now says so, and is there once it does", async () => {
    const id = await begin();
    for (let turn = 0; turn < 2; turn += 1) {
      for (let ask = 0; ask < 3; ask += 1) peer.lies.push({ on: /^PUT /, lie: { status: 503 } });
      await kit.turn(id);
      expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "delivering", attempts: turn, percent: 99 });
      await outlived(id);
    }
    await kit.turn(id);
    expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "done", percent: 100 });
    expect(delivered()).toHaveLength(1);
  });

  it("killed before or behind any durable write is there once and whole when somebody goes on", async () => {
    const whole = await kit.made(org, org.owner, { source: "inventory", format: "csv" });
    for (let dies = 1; ; dies += 1) {
      kit.clock.nowMs = Date.now();
      peer.objects.clear();
      const id = await begin();
      const mortal = dying(kit.studio.services, dies);
      const outcome = await runExport(mortal.services, id).then(
        () => "lived",
        () => "killed",
      );
      await outlived(id);
      await runExport(kit.studio.services, id);
      expect([dies, (await kit.show(org, org.owner, id)).state]).toEqual([dies, "done"]);
      expect([dies, delivered()]).toEqual([dies, [whole]]);
      expect([dies, peer.uploads.size]).toEqual([dies, 0]);
      if (outcome === "lived") {
        // The claim, a step and its checkpoint, that it is on its way, the way with the one renewal in it, the end.
        expect(mortal.reached()).toBe(14);
        return;
      }
    }
  }, 300_000);
});
