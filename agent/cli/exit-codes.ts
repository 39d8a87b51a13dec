/** Exit codes, all distinct so that a script can tell what to do. docs/agent.md lists them. */
export const exitCodes = {
  ok: 0,
  /** Something unforeseen, or the disk. */
  failed: 1,
  /** Wrong flags: nothing was done. */
  usage: 2,
  notEnrolled: 3,
  alreadyEnrolled: 4,
  /** The server said no. */
  refused: 5,
  /** The server could not be asked. */
  unreachable: 6,
  /** Another runner holds the state directory. */
  stateInUse: 7,
  /** `status`: no runner. */
  notRunning: 10,
  /** `status`: a runner that isn't connected. */
  notConnected: 11,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
