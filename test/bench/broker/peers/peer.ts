import type { ChildProcess } from "node:child_process";

/** A broker that runs beside Sentinel, on 127.0.0.1. */
export interface Peer {
  readonly process: ChildProcess;
  readonly port: number;
}
