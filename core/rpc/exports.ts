/** What the `Exports` entrypoint of capabilities offers to studio, which keeps the jobs and their checkpoints. */
import type { AuditEntry } from "../audit/events.ts";
import type { DeliveryOutcome } from "../exports/destination.ts";
import type { ExportSpec } from "../exports/job.ts";
import type { ExportTarget } from "../exports/target.ts";
import type { DocumentId, ExportId, UserId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";
import type { Role } from "../tenancy/roles.ts";
import type { TenantReader } from "./data.ts";

/** A refusal that the caller turns into a problem or a job's failure; anything else that goes wrong throws. */
export type ExportsResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: "not_found" | "forbidden" | "invalid_request" | "too_large" | "key_unavailable";
    };

/** A sealed piece of an export, as the job's row has it. */
export interface ExportPart {
  /** Random: two tries of one step never write the same object. */
  readonly object: string;
  /** Plain bytes. */
  readonly bytes: number;
}

export interface PreparedExport {
  /** Rows that whoever asks sees now. */
  readonly rowsExpected: number;
  /** Of an archive, bytes of the documents that they are; null: rows say how far it is. */
  readonly bytesExpected: number | null;
  /** The export's own key, wrapped by the organisation's data key. */
  readonly wrappedKey: string;
}

/** What every order says of its export. */
export interface ExportOrder {
  readonly export: ExportId;
  readonly spec: ExportSpec;
  readonly wrappedKey: string;
  /** Who asked, and as what: the key opens for nobody else's export. */
  readonly requestedBy: UserId;
  readonly requestedRole: Role;
}

export interface StepOrder extends ExportOrder {
  /** As whom the rows are read; judged anew by studio before each step. */
  readonly reader: TenantReader;
  /** Unix milliseconds: what came later is not in it. */
  readonly asOfMs: number;
  /** From 1. */
  readonly part: number;
  /** The object of the piece before; null: there is none. */
  readonly before: string | null;
  /** Where the step before ended; null: at the beginning. */
  readonly cursor: string | null;
  /** For the source `audit`: entries after one, oldest first, as readers see them. */
  readonly readAudit: (after: number) => Promise<readonly AuditEntry[]>;
  /** For an archive: puts on record that a document is about to be read. False: stop. */
  readonly noteReading: (document: DocumentId) => Promise<boolean>;
  /** Asked where a step takes long, with the bytes that the archive has by then; false: stop. */
  readonly isWanted: (bytes: number) => Promise<boolean>;
}

export interface StepDone {
  /** None: there was nothing here, and there is more. */
  readonly parts: readonly ExportPart[];
  readonly rows: number;
  /** Null: this was the last step. */
  readonly cursor: string | null;
}

export interface AssembleOrder extends ExportOrder {
  readonly parts: readonly ExportPart[];
  /** Rows so far; false: stop, nobody wants it any more. */
  readonly onProgress: (rows: number) => Promise<boolean>;
}

export interface DeliverOrder extends ExportOrder {
  readonly parts: readonly ExportPart[];
  readonly rows: number;
  readonly createdAt: string;
  /** As it is stored now; null: it was taken away. */
  readonly target: ExportTarget | null;
  /** Asked before each request that goes out; false: stop, nobody wants it any more or somebody else is at it. */
  readonly onProgress: () => Promise<boolean>;
}

/** `claim_lost`: it stopped when it was told to; how it ends is somebody else's to say. */
export type DeliverResult = DeliveryOutcome | { readonly ok: false; readonly code: "claim_lost" };

export interface ExportsRpc {
  /** For a member: counts what they see, and makes the export's key. */
  prepare(call: SignedCall, spec: ExportSpec, id: ExportId): Promise<ExportsResult<PreparedExport>>;
  /** For a member who may read it, which studio has judged by its row. @returns the whole of it, opened */
  open(
    call: SignedCall,
    order: ExportOrder & { readonly parts: readonly ExportPart[] },
  ): Promise<ExportsResult<ReadableStream<Uint8Array>>>;

  /** Job `run_exports`: reads the next rows and seals them. Doing it again writes another object and no other rows. */
  step(call: SignedCall, order: StepOrder): Promise<ExportsResult<StepDone>>;
  /** Job `run_exports`: makes of the rows of all steps what could not be made step by step. */
  assemble(call: SignedCall, order: AssembleOrder): Promise<ExportsResult<readonly ExportPart[]>>;
  /** Job `run_exports`: takes it to where it goes. */
  deliver(call: SignedCall, order: DeliverOrder): Promise<DeliverResult>;
  /** Job `run_exports`: deletes what lies of an export but is none of its parts. */
  discard(call: SignedCall, id: ExportId, keep: readonly ExportPart[]): Promise<void>;
  /** Job `run_exports`: every object of the organisation. */
  erase(call: SignedCall): Promise<void>;
}
