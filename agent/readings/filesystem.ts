/** Which file system a device's "disk" is. Pure. */

export interface Filesystem {
  readonly type: string;
  readonly mount: string;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  /** Used of what users may use: `size` also holds what the system reserves. */
  readonly usedPercent: number;
}

/** Not storage: memory, images, other machines, views of the kernel. */
const unreal =
  /^(?:tmpfs|devtmpfs|ramfs|squashfs|iso9660|udf|proc|sysfs|nfs\d?|cifs|smbfs|fuse\..*|autofs|efivarfs|devfs)$/i;

/** The system's volume; where there is none (a container), the largest real one. */
export function chooseFilesystem(all: readonly Filesystem[]): Filesystem | null {
  const sized = all.filter((candidate) => candidate.sizeBytes > 0);
  // macOS keeps data on a volume of its own; "/" there is a small sealed one.
  for (const mount of ["/System/Volumes/Data", "/", "C:"]) {
    const system = sized.find((candidate) => candidate.mount === mount || candidate.mount === `${mount}\\`);
    if (system !== undefined) return system;
  }
  const real = sized.filter((candidate) => !unreal.test(candidate.type));
  return real.reduce<Filesystem | null>(
    (best, next) => (best === null || next.sizeBytes > best.sizeBytes ? next : best),
    null,
  );
}
