import { needs, orgPath, type RouteSpec, route } from "./route.ts";

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
} as const satisfies Record<string, RouteSpec>;
