import type { Login } from "./packets.ts";

/** A broker under load, as the generator knows it. */
export interface Target {
  readonly name: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** `host:port` as the server calls itself. */
  readonly host: string;
  readonly path: string;
  /** Whose processor time and memory are the broker's. */
  readonly pid: number;
  /** Publish to their own topics and take commands; each may hold ten connections. */
  readonly devices: readonly Device[];
  /** Reads everything and sends commands. */
  readonly reader: Login;
  /** What the reader subscribes to: every topic of every device. */
  readonly everything: string;
  /** Logins for 200 connections that read the first device's topics. */
  readonly audience: readonly Login[];
}

export interface Device extends Login {
  /** Ends with `/`. */
  readonly topicPrefix: string;
}

export const devicesCount = 100;
export const audienceCount = 200;

/** Outside what the platform itself stores or answers: this is the broker's speed, not the database's. */
export const sampleTopic = (device: Device): string => `${device.topicPrefix}bench`;
export const commandTopic = (device: Device): string => `${device.topicPrefix}commands`;
