import { partBytes } from "../documents/layout.ts";
import { needs, orgPath, publicRoute, type RouteSpec, route } from "./route.ts";

const documents = `${orgPath}/documents`;
const one = `${documents}/{doc}`;
const upload = `${one}/uploads/{upload}`;

/** Documents: uploads in parts, what is known of them, their content, the bin. */
export const documentsRoutes = {
  createDocument: route({
    method: "POST",
    path: documents,
    policy: needs("documents:write"),
    summary: "Begin the upload of a new document",
  }),
  listDocuments: route({
    method: "GET",
    path: documents,
    policy: needs("documents:read"),
    summary: "Documents, or those in the bin; by words of their names and text",
  }),
  getDocument: route({ method: "GET", path: one, policy: needs("documents:read"), summary: "One document" }),
  renameDocument: route({ method: "PUT", path: one, policy: needs("documents:write"), summary: "Rename a document" }),
  removeDocument: route({
    method: "DELETE",
    path: one,
    policy: needs("documents:write"),
    summary: "Put a document into the bin, where it is kept for 30 days",
  }),
  restoreDocument: route({
    method: "POST",
    path: `${one}/restore`,
    policy: needs("documents:write"),
    bodyBytesMax: 0,
    summary: "Take a document out of the bin",
  }),
  getDocumentContent: route({
    method: "GET",
    path: `${one}/content`,
    policy: needs("documents:read"),
    summary: "The bytes of a document, or a range of them, as an attachment",
  }),
  addDocumentShare: route({
    method: "POST",
    path: `${one}/shares`,
    policy: needs("documents:write"),
    summary: "Share a document with a person, a group or a role, for as long as is said",
  }),
  listDocumentShares: route({
    method: "GET",
    path: `${one}/shares`,
    policy: needs("documents:read"),
    summary: "With whom a document is shared",
  }),
  removeDocumentShare: route({
    method: "DELETE",
    path: `${one}/shares/{share}`,
    policy: needs("documents:write"),
    summary: "Take a share back",
  }),
  createDocumentTicket: route({
    method: "POST",
    path: `${one}/tickets`,
    policy: needs("documents:read"),
    summary: "A ticket for one download of the content, good for a minute",
  }),
  redeemDocumentTicket: route({
    method: "POST",
    path: "/content/{org}",
    policy: publicRoute("the ticket is the credential; whoever it was given to is judged again"),
    takes: "form",
    cookieless: "what may be somebody's page is answered where no cookie is worth anything; the ticket in the body is",
    wafExemptions: [{ field: "body.ticket", why: "random, ours, and no text" }],
    summary: "The bytes of a document for a ticket, as an attachment",
  }),
  createDocumentVersion: route({
    method: "POST",
    path: `${one}/versions`,
    policy: needs("documents:write"),
    summary: "Begin the upload of another version",
  }),
  listDocumentVersions: route({
    method: "GET",
    path: `${one}/versions`,
    policy: needs("documents:read"),
    summary: "Versions of a document",
  }),
  getUpload: route({
    method: "GET",
    path: upload,
    policy: needs("documents:read"),
    summary: "An upload under way: which parts have arrived",
  }),
  putUploadPart: route({
    method: "PUT",
    path: `${upload}/parts/{part}`,
    policy: needs("documents:write"),
    takes: "bytes",
    bodyBytesMax: partBytes,
    summary: "Send a part of an upload; again, if it did not arrive",
  }),
  completeUpload: route({
    method: "POST",
    path: `${upload}/complete`,
    policy: needs("documents:write"),
    bodyBytesMax: 0,
    summary: "Put the parts together: the document has a new version",
  }),
  cancelUpload: route({
    method: "DELETE",
    path: upload,
    policy: needs("documents:write"),
    summary: "Give up an upload",
  }),
} as const satisfies Record<string, RouteSpec>;
