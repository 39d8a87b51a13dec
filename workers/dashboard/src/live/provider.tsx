import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { meKey } from "../api/auth.ts";
import { type ConnectionState, LiveConnection, type MessageHandler } from "./connection.ts";
import { mqttUrl, openClient } from "./open-client.ts";

const LiveContext = createContext<LiveConnection | null>(null);

/** Keeps one connection open for as long as an organisation is on screen. */
export function LiveProvider({ org, children }: { readonly org: string; readonly children: ReactNode }) {
  const client = useQueryClient();
  const [connection, setConnection] = useState<LiveConnection | null>(null);
  useEffect(() => {
    const opened = new LiveConnection(mqttUrl(window.location, org), openClient);
    // Whoever ended the connection with a word may have ended the session too: ask who is here.
    const unlisten = opened.onState(() => {
      const state = opened.getState();
      if (state.kind === "waiting" && state.reason !== null) void client.invalidateQueries({ queryKey: meKey });
    });
    opened.start();
    setConnection(opened);
    const wake = (): void => opened.retryNow();
    window.addEventListener("online", wake);
    return () => {
      window.removeEventListener("online", wake);
      unlisten();
      opened.close();
    };
  }, [org, client]);
  return <LiveContext value={connection}>{children}</LiveContext>;
}

const connecting: ConnectionState = { kind: "connecting" };
const never = (): (() => void) => () => undefined;

export function useConnection(): { readonly state: ConnectionState; readonly retry: () => void } {
  const connection = useContext(LiveContext);
  const state = useSyncExternalStore(connection?.onState ?? never, connection?.getState ?? (() => connecting));
  return { state, retry: () => connection?.retryNow() };
}

/**
 * Subscribes while mounted.
 * @param filters topic filters; joined as the dependency, so a new array of the same ones is the same
 * @param handler must be stable (`useCallback`)
 */
export function useTopics(filters: readonly string[], handler: MessageHandler): void {
  const connection = useContext(LiveContext);
  const key = filters.join("\n");
  useEffect(() => {
    if (connection === null || key === "") return;
    const undo = key.split("\n").map((filter) => connection.subscribe(filter, handler));
    return () => {
      for (const unsubscribe of undo) unsubscribe();
    };
  }, [connection, key, handler]);
}
