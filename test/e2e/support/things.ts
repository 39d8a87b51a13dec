import { vi } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { exportWebhook, llmProvider, ownProvider, type Params, witnessKeyNamed } from "../../support/route-inputs.ts";
import { type Answer, Api, mailedToken, newPerson, signIn, testPassword } from "./api.ts";

export type TestPerson = Awaited<ReturnType<typeof newPerson>>;

/** @throws Error unless it answered 2xx */
export async function done<T>(sent: Promise<Answer<T>>): Promise<T> {
  const { status, body } = await sent;
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** A new organisation's slug. */
export async function newOrg(owner: Api, name: string): Promise<string> {
  const slug = `${name}-${crypto.randomUUID().slice(0, 8)}`;
  await done(owner.send("POST", "/api/v1/orgs", { name, slug }));
  return slug;
}

/** Invited with a role, accepted. */
export async function join(mailDir: string, owner: Api, org: string, person: TestPerson, role: string): Promise<void> {
  await done(owner.send("POST", `/api/v1/orgs/${org}/invitations`, { email: person.email, role }));
  const token = mailedToken(mailDir, person.email, "invitation");
  await done(person.api.send("POST", "/api/v1/invitations/accept", { token }));
}

export async function newMember(mailDir: string, owner: Api, org: string, role: string): Promise<TestPerson> {
  const person = await newPerson(owner.base, mailDir, role);
  await join(mailDir, owner, org, person, role);
  return person;
}

/** Another session of the same person. */
export const again = async ({ api, email }: TestPerson): Promise<Api> =>
  (await signIn(api.base, email, testPassword)).api;

/** An API key of an organisation. @returns the key itself, and its id */
export async function newKey(owner: Api, org: string, role: string): Promise<{ id: string; key: string }> {
  const expires_at = new Date(Date.now() + 3600_000).toISOString();
  return done(owner.send("POST", `/api/v1/orgs/${org}/api-keys`, { name: `${role} key`, role, expires_at }));
}

/** A document of one part. @returns its id */
export async function newDocument(owner: Api, org: string, name: string, text: string): Promise<string> {
  const at = `/api/v1/orgs/${org}/documents`;
  const begun = await done(
    owner.send<{ id: string; document_id: string }>("POST", at, { name, size_bytes: Buffer.byteLength(text) }),
  );
  const upload = `${at}/${begun.document_id}/uploads/${begun.id}`;
  const put = await fetch(`${owner.base}${upload}/parts/1`, {
    method: "PUT",
    body: Buffer.from(text),
    headers: { Authorization: `Bearer ${owner.token}`, "Content-Type": "application/octet-stream" },
  });
  if (put.status !== 204) throw new Error(`a part was answered with ${put.status}: ${await put.text()}`);
  await done(owner.send("POST", `${upload}/complete`));
  return begun.document_id;
}

/** An export of the organisation's devices that is done. */
async function newExport(owner: Api, org: string): Promise<{ id: string }> {
  const path = `/api/v1/orgs/${org}/exports`;
  const wanted = { source: "inventory", format: "csv" };
  const { id } = await done(owner.send<{ id: string }>("POST", path, wanted));
  await vi.waitFor(
    async () => {
      const { state } = await done(owner.send<{ state: string }>("GET", `${path}/${id}`));
      if (state !== "done") throw new Error(`the export is ${state}`);
    },
    { timeout: 120_000, interval: 500 },
  );
  return { id };
}

/** One of everything that a path can name, and the token of the device among it. */
export async function makeThings(mailDir: string, owner: Api, org: string): Promise<Params & { deviceToken: string }> {
  const at = `/api/v1/orgs/${org}`;
  const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));
  const send = <T>(path: string, body: unknown): Promise<T> => done(owner.send<T>("POST", `${at}${path}`, body));
  const member = await newMember(mailDir, owner, org, "viewer");
  const code = await send<{ id: string; code: string }>("/enrollment-codes", {
    name: "lab",
    max_uses: 5,
    expires_in_seconds: 600,
  });
  const enrolled = { code: code.code, name: "pc-1", platform: "linux" };
  const device = await done(
    new Api(owner.base).send<{ device_id: string; token: string }>("POST", "/api/v1/enroll", enrolled),
  );
  const group = await send<{ id: string }>("/groups", { name: "lab 1" });
  const invitation = await send<{ id: string }>("/invitations", { email: "someone@people.test", role: "viewer" });
  const until = new Date(Date.now() + 24 * 3600_000).toISOString();
  const travels = { country: "NP", until };
  const exception = await send<{ id: string }>(`/policies/geo/exceptions/${member.userId}`, travels);
  const witness = await send<{ id: string }>("/audit/witnesses", { name: "ours", key: witnessKeyNamed("ours") });
  const doc = await newDocument(owner, org, "notes.txt", "abc");
  const upload = await send<{ id: string }>(`/documents/${doc}/versions`, { size_bytes: 3 });
  const share = await send<{ id: string }>(`/documents/${doc}/shares`, { kind: "group", grantee: group.id });
  const provider = await send<{ id: string; secrets: { id: string }[] }>("/identity-providers", ownProvider);
  const llm = await send<{ id: string }>("/llm/providers", llmProvider("mine"));
  // Another one, because each of the two is taken away by a way of its own.
  const llmKey = await send<{ name: string }>("/llm/providers", llmProvider(`of-${org}`));
  const destination = await send<{ id: string }>("/export-destinations", exportWebhook("mine"));
  const exported = await newExport(owner, org);
  const page = (await new Api(owner.base).send<string>("GET", "/")).body;
  const file = /\/assets\/([^"]+)"/.exec(page)?.[1];
  if (file === undefined) throw new Error("the dashboard's page names no file");
  return {
    org,
    // The same, as the operator's routes name it: the walk only asks whether they are there.
    target: org,
    user: member.userId,
    code: code.id,
    device: device.device_id,
    deviceToken: device.token,
    group: group.id,
    invitation: invitation.id,
    exception: exception.id,
    witness: witness.id,
    backup: makeId("backup", Date.now(), random()),
    policy: "geo",
    key: (await newKey(owner, org, "viewer")).id,
    provider: provider.id,
    secret: provider.secrets[0]?.id ?? "",
    session: makeId("session", Date.now(), random()),
    passkey: makeId("passkey", Date.now(), random()),
    doc,
    upload: upload.id,
    share: share.id,
    llm_provider: llm.id,
    llm_key: llmKey.name,
    export_id: exported.id,
    export_destination: destination.id,
    page: "devices",
    file,
  };
}
