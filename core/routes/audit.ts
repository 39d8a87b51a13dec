import { needs, orgPath, publicRoute, type RouteSpec, route } from "./route.ts";

/** Marks a witness's token: 256 random bits behind a prefix that scanners for leaked secrets can look for. */
export const witnessTokenPrefix = "swt_";
/** 32 bytes in base64url behind the prefix. */
export const witnessTokenPattern = /^swt_[A-Za-z0-9_-]{43}$/;

const witnessToken = [{ field: "body.token", why: "a secret of 256 random bits, which is only ever hashed" }] as const;

/** The audit log. */
export const auditRoutes = {
  listAudit: route({
    method: "GET",
    path: `${orgPath}/audit`,
    policy: needs("audit:read"),
    summary: "The audit log, newest first",
  }),
  auditStatus: route({
    method: "GET",
    path: `${orgPath}/audit/status`,
    policy: needs("audit:read"),
    summary: "Up to where the audit log is signed, and by which keys",
  }),
  auditActivity: route({
    method: "GET",
    path: `${orgPath}/audit/activity`,
    policy: needs("audit:read"),
    summary: "How many events of which type came to what, by hour or day",
  }),
  auditCheckpoint: route({
    method: "GET",
    path: `${orgPath}/audit/checkpoint`,
    policy: needs("audit:read"),
    summary: "The newest signed checkpoint (C2SP tlog-checkpoint)",
  }),
  auditConsistency: route({
    method: "GET",
    path: `${orgPath}/audit/consistency`,
    policy: needs("audit:read"),
    summary: "Proof that a later log begins with an earlier one (RFC 9162 section 2.1.4)",
  }),
  auditProof: route({
    method: "GET",
    path: `${orgPath}/audit/{seq}/proof`,
    policy: needs("audit:read"),
    summary: "Proof that an entry is in the log (RFC 9162 section 2.1.3)",
  }),
  // Before the tiles, whose path would take it too: the leaves themselves are a read that is on record.
  auditEntries: route({
    method: "GET",
    path: `${orgPath}/audit/tile/entries/{bundle*}`,
    policy: needs("audit:read"),
    summary: "A bundle of leaves (C2SP tlog-tiles)",
  }),
  auditTile: route({
    method: "GET",
    path: `${orgPath}/audit/tile/{tile*}`,
    policy: needs("audit:read"),
    summary: "A tile of the tree's hashes (C2SP tlog-tiles)",
  }),
  eraseAuditSubject: route({
    method: "DELETE",
    path: `${orgPath}/audit/subjects/{user}`,
    policy: needs("audit:erase"),
    // It can't be taken back.
    stepUp: true,
    summary: "Make a former member unreadable in the audit log, for good",
  }),
  listWitnesses: route({
    method: "GET",
    path: `${orgPath}/audit/witnesses`,
    policy: needs("audit:read"),
    summary: "Witnesses of the audit log, and what each cosigned last",
  }),
  addWitness: route({
    method: "POST",
    path: `${orgPath}/audit/witnesses`,
    policy: needs("audit:manage"),
    stepUp: true,
    summary: "Register a witness of the audit log; its token is shown this once",
  }),
  removeWitness: route({
    method: "DELETE",
    path: `${orgPath}/audit/witnesses/{witness}`,
    policy: needs("audit:manage"),
    // As much as adding one: it takes an eye from the log.
    stepUp: true,
    summary: "Remove a witness; its token is worth nothing from then on",
  }),
  witnessCheckpoint: route({
    method: "POST",
    path: `${orgPath}/audit/witness/checkpoint`,
    policy: publicRoute("a witness is no member; its token, in the body, is asked for and shows hashes alone"),
    wafExemptions: witnessToken,
    summary: "For a witness: the newest checkpoint, and that the log only grew",
  }),
  cosignCheckpoint: route({
    method: "POST",
    path: `${orgPath}/audit/witness/cosignature`,
    policy: publicRoute("a witness is no member; its token and its signature are asked for"),
    wafExemptions: witnessToken,
    summary: "For a witness: post its cosignature (C2SP tlog-cosignature)",
  }),
} as const satisfies Record<string, RouteSpec>;
