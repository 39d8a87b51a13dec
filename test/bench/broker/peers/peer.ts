/** A broker that runs beside Sentinel, on 127.0.0.1. */
export interface Peer {
  /** Whose processor time and memory are its. */
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void> | void;
}
