/** Backups that the platform made, as the operator's routes give them: sealed, with the key apart. */
import type { BackupId, OrgId } from "../../core/ids.ts";

export interface ListedBackup {
  readonly id: BackupId;
  readonly snapshot_at: string;
  readonly bytes: number;
  readonly rows: number;
  readonly verified_at: string | null;
  readonly destroyed: boolean;
  readonly made_by: "operator" | "platform";
}

export interface PlatformLink {
  /** Newest first. */
  list(org: OrgId): Promise<readonly ListedBackup[]>;
  /** One piece of an object; none behind its end. */
  read(
    org: OrgId,
    backup: BackupId,
    offset: number,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number }>;
  /** The organisation's log says that it was given. */
  openKey(org: OrgId, backup: BackupId): Promise<Uint8Array<ArrayBuffer>>;
}

/** An object's bytes, piece by piece. @param onProgress told of bytes so far, and of all */
export async function* readObject(
  link: PlatformLink,
  org: OrgId,
  backup: BackupId,
  onProgress: (bytes: number, size: number) => void = () => undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let offset = 0; ; ) {
    const { bytes, size } = await link.read(org, backup, offset);
    if (bytes.length > 0) yield bytes;
    offset += bytes.length;
    onProgress(offset, size);
    if (offset >= size) return;
    if (bytes.length === 0) throw new Error("the object ended before its end");
  }
}
