/** What the `Documents` entrypoint of capabilities offers to studio. */
import type { DocumentId, ShareId, UploadId, UserId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";
import type { Role } from "../tenancy/roles.ts";
import type { Page, PageRequest } from "./capabilities.ts";

export type { Page, PageRequest } from "./capabilities.ts";

/** A refusal that the caller turns into a problem; anything else that goes wrong throws. */
export type DocumentResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code:
        | "not_found"
        | "forbidden"
        /** Parts are missing, or it is in the bin, or there is a version already that is being replaced. */
        | "conflict"
        | "invalid_cursor"
        /** A value that the caller should have refused; nothing was done. */
        | "invalid_request"
        /** The plan allows no more bytes, or there are as many versions as there may be. */
        | "storage_full"
        | "too_many"
        /** What arrived is longer than the part. */
        | "too_large"
        /** The scan found something: nothing of it was kept. */
        | "harmful"
        | "key_unavailable";
    }
  /** No byte of the version is in the range that was asked for. */
  | { readonly ok: false; readonly code: "invalid_range"; readonly sizeBytes: number };

export interface Document {
  readonly id: DocumentId;
  readonly name: string;
  readonly owner: UserId;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Null: in use; else since when it is in the bin. */
  readonly deletedAt: string | null;
  /** True when whoever asks may write it, and share it. */
  readonly mayWrite: boolean;
  readonly version: DocumentVersion;
}

/** `waiting`: it will be; `unreadable`: it is encrypted, broken or too large, or would take too long. */
export const documentTexts = ["read", "waiting", "unreadable"] as const;

export interface DocumentVersion {
  readonly number: number;
  readonly sizeBytes: number;
  /** What its bytes say it is. */
  readonly mediaType: string;
  /** A browser or an office program would run something in it. */
  readonly active: boolean;
  /** Whether a PDF was read, for its document to be found by its words; null of other kinds, and of older versions. */
  readonly text: (typeof documentTexts)[number] | null;
  readonly createdBy: UserId;
  readonly completedAt: string;
}

/** An upload under way. */
export interface Upload {
  readonly document: DocumentId;
  readonly id: UploadId;
  readonly sizeBytes: number;
  /** Of each part but the last. */
  readonly partBytes: number;
  readonly partCount: number;
  /** Numbers of those that have arrived, from 1, in order. */
  readonly partsHere: readonly number[];
  readonly expiresAt: string;
}

export interface NewUpload {
  /** Null: of a new document. */
  readonly document: DocumentId | null;
  /** Of a new document; of one that is there it stays what it is. */
  readonly name: string;
  readonly sizeBytes: number;
  /** What the uploader says it is. */
  readonly declaredType: string;
  /** Bytes that the plan allows, tables and documents together. */
  readonly storageBytesMax: number;
}

/** A range as RFC 9110 section 14.1.2 lets it be asked for. */
export type RangeRequest =
  | { readonly kind: "from"; readonly first: number; readonly last: number | null }
  | { readonly kind: "suffix"; readonly length: number };

export interface Content {
  readonly name: string;
  readonly version: DocumentVersion;
  /** Names these bytes for ever. */
  readonly entityTag: string;
  /** Null: the whole. Both ends are within it. */
  readonly range: { readonly first: number; readonly last: number } | null;
  /** Opened; it fails in the midst if what lies in the bucket is not what was put there. */
  readonly body: ReadableStream<Uint8Array>;
}

export interface ContentRequest {
  /** Null: the current one. */
  readonly version: number | null;
  readonly range: RangeRequest | null;
  /** RFC 9110 section 13.1.5: the range counts only of these bytes. */
  readonly ifRange: string | null;
}

export const granteeKinds = ["user", "group", "role"] as const;
export type GranteeKind = (typeof granteeKinds)[number];
/** Roles that see what is shared with them; the others see everything anyway. */
export const grantedRoles = ["analyst", "viewer"] as const satisfies readonly Role[];

export interface Share {
  readonly id: ShareId;
  readonly kind: GranteeKind;
  /** Id of a person or group, or a role. */
  readonly grantee: string;
  readonly until: string | null;
  readonly createdBy: UserId;
  readonly createdAt: string;
}
export interface NewShare {
  readonly kind: GranteeKind;
  readonly grantee: string;
  /** RFC 3339; null: until it is taken back. */
  readonly until: string | null;
}

export interface DocumentList extends PageRequest {
  /** Words that all must be in the name or the text; null: everything. */
  readonly query: string | null;
  readonly bin: boolean;
}

/** A document whose time in the bin is over: its end goes on record before anything of it is gone. */
export interface DueDocument {
  readonly document: DocumentId;
  /** Whose word it is that it goes. */
  readonly deletedBy: UserId;
}

/** `Documents`: rows a role may see are chosen by row-level security, not by these methods. */
export interface DocumentsRpc {
  /** Takes the size from the quota. */
  beginUpload(call: SignedCall, upload: NewUpload): Promise<DocumentResult<Upload>>;
  findUpload(call: SignedCall, document: DocumentId, upload: UploadId): Promise<DocumentResult<Upload>>;
  /** Any order; one that is sent again takes the place of the one before. @param body exactly the part's bytes */
  putPart(
    call: SignedCall,
    place: { readonly document: DocumentId; readonly upload: UploadId; readonly part: number },
    body: ReadableStream<Uint8Array>,
  ): Promise<DocumentResult<null>>;
  /** Puts the parts together, looks at what they are, and makes it the current version. Again: the same answer. */
  completeUpload(call: SignedCall, document: DocumentId, upload: UploadId): Promise<DocumentResult<Document>>;
  cancelUpload(call: SignedCall, document: DocumentId, upload: UploadId): Promise<DocumentResult<null>>;

  /** Newest first. */
  listDocuments(call: SignedCall, list: DocumentList): Promise<DocumentResult<Page<Document>>>;
  getDocument(call: SignedCall, document: DocumentId): Promise<DocumentResult<Document>>;
  listVersions(call: SignedCall, document: DocumentId): Promise<DocumentResult<readonly DocumentVersion[]>>;
  renameDocument(call: SignedCall, document: DocumentId, name: string): Promise<DocumentResult<Document>>;
  openContent(call: SignedCall, document: DocumentId, wanted: ContentRequest): Promise<DocumentResult<Content>>;

  /** Into the bin; what is there already stays as long as it would have. */
  removeDocument(call: SignedCall, document: DocumentId): Promise<DocumentResult<null>>;
  restoreDocument(call: SignedCall, document: DocumentId): Promise<DocumentResult<Document>>;

  /** With whom it is shared already, until when is changed. */
  addShare(call: SignedCall, document: DocumentId, share: NewShare): Promise<DocumentResult<Share>>;
  listShares(call: SignedCall, document: DocumentId): Promise<DocumentResult<readonly Share[]>>;
  removeShare(call: SignedCall, document: DocumentId, share: ShareId): Promise<DocumentResult<null>>;

  /** Job `tend_documents`: ends uploads that nobody finished, and says which documents are due to go. */
  tend(call: SignedCall): Promise<readonly DueDocument[]>;
  /** Job `tend_documents`: one of those, for good; of any other nothing. Whoever calls has put it on record. */
  expunge(call: SignedCall, document: DocumentId): Promise<void>;
  /** Job `tend_documents`: every object of the organisation. */
  erase(call: SignedCall): Promise<void>;
}
