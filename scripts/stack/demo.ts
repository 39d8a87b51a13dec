import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient, ApiProblem } from "./api-client.ts";
import { StackError } from "./stack-error.ts";

export interface Demo {
  readonly org: { readonly id: string; readonly slug: string };
  readonly owner: { readonly email: string; readonly password: string };
  /** Signed in as the owner. */
  readonly api: ApiClient;
  /** The organisation's break-glass code (docs/geo.md), shown by the start that made the organisation and never again. */
  readonly breakGlassCode: string | null;
}

const slug = "demo";
const email = "owner@demo.test";

interface LoginAnswer {
  readonly access_token: string;
  readonly orgs: readonly { readonly id: string; readonly slug: string }[];
}

/**
 * Makes the demo organisation and its owner through the public API, as a person would: register,
 * follow the link in the mail, sign in, create. Each step that was done before is left alone, so a
 * start that was cut off is finished by the next.
 */
export async function makeDemo(url: URL, password: string, mailDir: string): Promise<Demo> {
  const api = new ApiClient(url);
  const login = (): Promise<LoginAnswer> => api.send("POST", "/api/v1/auth/login?tokens=1", { email, password });
  let answer = await login().catch(async (error: unknown) => {
    if (!(error instanceof ApiProblem) || error.code !== "invalid_credentials") throw error;
    await api.send("POST", "/api/v1/auth/register", { email, password, name: "Demo Owner" });
    await api.send("POST", "/api/v1/auth/verify-email", { token: tokenFromMail(mailDir), password });
    return login();
  });
  api.authorize(answer.access_token);
  const isNew = !answer.orgs.some((org) => org.slug === slug);
  if (isNew) {
    await api.send("POST", "/api/v1/orgs", { name: "Demo School", slug });
    answer = await login();
    api.authorize(answer.access_token);
  }
  const org = answer.orgs.find((candidate) => candidate.slug === slug);
  if (org === undefined)
    throw new StackError(
      "demo_failed",
      "the demo organisation is not there after it was made",
      "Remove the state folder and start again.",
    );
  const made = isNew
    ? await api.send<{ code: string }>("POST", `/api/v1/orgs/${slug}/policies/geo/break-glass-code`)
    : null;
  return {
    org: { id: org.id, slug: org.slug },
    owner: { email, password },
    api,
    breakGlassCode: made?.code ?? null,
  };
}

/** The newest verification link that was mailed to the owner. */
function tokenFromMail(mailDir: string): string {
  const files = readdirSync(mailDir)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .reverse();
  for (const file of files) {
    const mail = JSON.parse(readFileSync(join(mailDir, file), "utf8")) as { to: string; links: string[] };
    const link = mail.links.find((candidate) => candidate.includes("/verify-email#token="));
    if (mail.to === email && link !== undefined) return link.slice(link.indexOf("#token=") + "#token=".length);
  }
  throw new StackError(
    "demo_failed",
    "no verification mail arrived for the demo owner",
    `Look into ${mailDir}; remove the state folder and start again.`,
  );
}
