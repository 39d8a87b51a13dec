import { audienceCount, type Device, devicesCount, type Target } from "../target.ts";
import type { Peer } from "./peer.ts";

const anonymous = { username: null, password: null };
/** As long as Sentinel's ids, so that every broker carries topics of one length. */
const id = (kind: string, index: number): string => `${kind}_${String(index).padStart(26, "0")}`;

/** A peer under the same load: the same topics, nobody to authenticate. */
export function peerTarget(name: string, peer: Peer): Target {
  const prefix = `sentinel/${id("org", 0)}/devices/`;
  const devices: Device[] = Array.from({ length: devicesCount }, (_, index) => ({
    ...anonymous,
    topicPrefix: `${prefix}${id("dev", index)}/`,
  }));
  return {
    name,
    port: peer.port,
    host: `127.0.0.1:${peer.port}`,
    path: "/mqtt",
    pid: peer.pid,
    devices,
    reader: anonymous,
    everything: `${prefix}#`,
    audience: Array.from({ length: audienceCount }, () => anonymous),
  };
}
