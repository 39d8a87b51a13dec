import { useCallback, useEffect, useRef, useState } from "react";
import { type Door, signInWithPasskey } from "../../api/sign-in.ts";
import { passkeysFillIn } from "../../api/webauthn.ts";

/** The server forgets a ceremony after five minutes; the offer in the field is renewed before that. */
const renewAfterMs = 4 * 60_000;

/** The offer that stands, and what became of it. */
export interface FillIn {
  /** A passkey was picked, and the server has yet to judge it. */
  readonly pending: boolean;
  readonly error: unknown;
  /**
   * Takes the offer back at once, for another way in. Two sign-ins side by side would end each other's session.
   * @returns false when a passkey was picked already: that sign-in goes on
   */
  readonly withdraw: () => boolean;
}

/**
 * Offers passkeys within the e-mail field for as long as it is enabled. Picking none is no failure:
 * only what the server says of one that was picked is shown.
 */
export function usePasskeyFillIn(
  enabled: boolean,
  door: Door,
  onDone: () => Promise<void>,
  onError: (error: unknown) => void,
): FillIn {
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const handlers = useRef({ onDone, onError });
  handlers.current = { onDone, onError };
  const withdraw = useRef<() => boolean>(() => true);
  useEffect(() => {
    if (!enabled) return;
    const standing = new AbortController();
    let renewal: ReturnType<typeof setTimeout> | undefined;
    let chosen = false;
    withdraw.current = () => {
      if (!chosen) standing.abort();
      return !chosen;
    };
    const choose = (): void => {
      chosen = true;
      setPending(true);
    };
    const offer = async (): Promise<void> => {
      if (!(await passkeysFillIn()) || standing.signal.aborted) return;
      renewal = setTimeout(() => setRound(round + 1), renewAfterMs);
      try {
        await signInWithPasskey(door, { chosen: choose, signal: standing.signal });
        await handlers.current.onDone();
      } catch (failure) {
        // Nobody picked one, or the offer itself was not to be had: the other ways in are on screen.
        if (!chosen) return;
        setError(failure);
        handlers.current.onError(failure);
      } finally {
        if (chosen) setPending(false);
      }
    };
    void offer();
    return () => {
      clearTimeout(renewal);
      standing.abort();
    };
  }, [enabled, door, round]);
  return { pending, error, withdraw: useCallback(() => withdraw.current(), []) };
}
