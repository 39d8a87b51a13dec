import type { DeviceCommandName } from "../../../../../core/telemetry.ts";
import { type Command, type CommandReply } from "../../api/schemas.ts";
/** A command on screen. */
export interface CommandLine {
    readonly id: string;
    readonly name: string;
    /** RFC 3339 UTC. */
    readonly issuedAt: string;
    readonly expiresAt: string;
    readonly reply: CommandReply | null;
    /** Between the click and the answer in this page; null for commands of other times and places. */
    readonly roundTripMs: number | null;
}
interface Heard {
    readonly reply: CommandReply;
    readonly atMs: number;
}
export interface CommandState {
    /** When commands sent from this page were sent, by id; milliseconds of a clock that never jumps. */
    readonly sentAtMs: ReadonlyMap<string, number>;
    /** Replies heard live, by command id; one may come before the API has named the command. */
    readonly heard: ReadonlyMap<string, Heard>;
    /** What the API said of commands sent from this page. */
    readonly sent: readonly Command[];
}
export declare const noCommands: CommandState;
export type CommandAction = {
    readonly kind: "sent";
    readonly command: Command;
    readonly clickedAtMs: number;
} | {
    readonly kind: "heard";
    readonly reply: CommandReply;
    readonly atMs: number;
};
export declare function reduceCommands(state: CommandState, action: CommandAction): CommandState;
/** What to show, newest first: the API's list, with what this page knows better laid over it. */
export declare function commandLines(state: CommandState, listed: readonly Command[]): CommandLine[];
export declare function parseReply(payload: Uint8Array): CommandReply | null;
export declare const commandLabels: Readonly<Record<DeviceCommandName, {
    readonly button: string;
    readonly hint: string;
}>>;
export {};
