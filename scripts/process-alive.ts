/** True when a process has this id, whoever's it is. Ids below 1 name process groups and are nobody's. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to another account.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
