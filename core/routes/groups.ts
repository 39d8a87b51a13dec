import { needs, orgPath, type RouteSpec, route } from "./route.ts";

/** Groups of devices and the members they are assigned to. */
export const groupsRoutes = {
  createGroup: route({
    method: "POST",
    path: `${orgPath}/groups`,
    policy: needs("groups:manage"),
    summary: "Create a group",
  }),
  listGroups: route({ method: "GET", path: `${orgPath}/groups`, policy: needs("groups:read"), summary: "Groups" }),
  getGroup: route({
    method: "GET",
    path: `${orgPath}/groups/{group}`,
    policy: needs("groups:read"),
    summary: "One group",
  }),
  renameGroup: route({
    method: "PATCH",
    path: `${orgPath}/groups/{group}`,
    policy: needs("groups:manage"),
    summary: "Rename a group",
  }),
  removeGroup: route({
    method: "DELETE",
    path: `${orgPath}/groups/{group}`,
    policy: needs("groups:manage"),
    summary: "Remove a group",
  }),
  addGroupMember: route({
    method: "PUT",
    path: `${orgPath}/groups/{group}/members/{user}`,
    policy: needs("groups:manage"),
    bodyBytesMax: 0,
    summary: "Assign a member to a group",
  }),
  removeGroupMember: route({
    method: "DELETE",
    path: `${orgPath}/groups/{group}/members/{user}`,
    policy: needs("groups:manage"),
    summary: "Take a member out of a group",
  }),
  addGroupDevice: route({
    method: "PUT",
    path: `${orgPath}/groups/{group}/devices/{device}`,
    policy: needs("groups:manage"),
    bodyBytesMax: 0,
    summary: "Put a device into a group",
  }),
  removeGroupDevice: route({
    method: "DELETE",
    path: `${orgPath}/groups/{group}/devices/{device}`,
    policy: needs("groups:manage"),
    summary: "Take a device out of a group",
  }),
} as const satisfies Record<string, RouteSpec>;
