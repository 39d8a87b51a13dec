import { makeId, parseId, parseSlug } from "../../../core/ids.ts";
import { rolloutMinutesMax, rolloutPerMinuteMax } from "../../../core/limits.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import {
  canonicalEnrollmentCode,
  formatEnrollmentCode,
  parseEnrollmentCode,
} from "../../../core/tenancy/enrollment-code.ts";
import * as store from "../../../store/tenant/enrollment-codes.ts";
import { parsePage } from "../../../store/tenant/page.ts";
import type { Handler } from "./handler.ts";
import { parseName } from "./names.ts";
import { ok, refused } from "./result.ts";
import { sha256Hex } from "./secrets.ts";

/** A code lives for a year at most: a forgotten one must not stay a way in. */
export const codeSecondsMax = 366 * 24 * 3600;
/** More than any school's devices; the hub of one tenant holds fewer. */
export const codeUsesMax = 100_000;

/** Makes a code. Its text leaves here once; what is stored finds it again only for who has it. */
export const createEnrollmentCode: Handler<DevicesRpc["createEnrollmentCode"]> = async (context, input) => {
  const { actor } = context.scope;
  if (actor.kind !== "user") return refused("forbidden");
  const slug = parseSlug(input.slug);
  const name = parseName(input.name);
  const { expiresInSeconds, maxUses } = input;
  if (slug === null || name === null) return refused("invalid_request");
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > codeSecondsMax)
    return refused("invalid_request");
  if (!Number.isInteger(maxUses) || maxUses < 1 || maxUses > codeUsesMax) return refused("invalid_request");

  const code = formatEnrollmentCode(slug, context.random(new Uint8Array(20)));
  const parsed = parseEnrollmentCode(code);
  if (parsed === null) throw new Error("an enrolment code that was just made does not parse");
  const stored = await store.addEnrollmentCode(context.database, {
    id: makeId("enrollmentCode", context.now(), context.random(new Uint8Array(10))),
    codeSha256: await sha256Hex(canonicalEnrollmentCode(parsed)),
    name,
    expiresInSeconds,
    maxUses,
    createdBy: actor.user,
  });
  return ok({ ...stored, code });
};

export const listEnrollmentCodes: Handler<DevicesRpc["listEnrollmentCodes"]> = async (context, page) => {
  const keyset = parsePage("enrollmentCode", page);
  if (typeof keyset === "string") return refused(keyset);
  return ok(await store.listEnrollmentCodes(context.database, keyset));
};

/** Devices that were enrolled with it stay. */
export const revokeEnrollmentCode: Handler<DevicesRpc["revokeEnrollmentCode"]> = async (context, id) => {
  if (parseId("enrollmentCode", id) === null) return refused("not_found");
  return (await store.revokeEnrollmentCode(context.database, id)) ? ok(null) : refused("not_found");
};

/** More devices a minute for a while; the window ends by itself. */
export const openRollout: Handler<DevicesRpc["openRollout"]> = async (context, id, { perMinute, minutes }) => {
  if (parseId("enrollmentCode", id) === null) return refused("not_found");
  if (!Number.isInteger(perMinute) || perMinute < 1 || perMinute > rolloutPerMinuteMax)
    return refused("invalid_request");
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > rolloutMinutesMax) return refused("invalid_request");
  const code = await store.openRollout(context.database, id, { perMinute, minutes });
  return code === null ? refused("not_found") : ok(code);
};
