import { useEffect, useRef, useState } from "react";
import { type Door, signInWithPasskey } from "../../api/sign-in.ts";
import { passkeysFillIn, stopAskingForPasskey } from "../../api/webauthn.ts";

/** The server forgets a ceremony after five minutes; the offer in the field is renewed before that. */
const renewAfterMs = 4 * 60_000;

/**
 * Offers passkeys within the e-mail field for as long as the page is open. Picking none is no failure:
 * only what the server says of one that was picked is shown.
 */
export function usePasskeyFillIn(
  enabled: boolean,
  door: Door,
  onDone: () => Promise<void>,
  onError: (error: unknown) => void,
): { readonly pending: boolean; readonly error: unknown } {
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const handlers = useRef({ onDone, onError });
  handlers.current = { onDone, onError };
  useEffect(() => {
    if (!enabled) return;
    let over = false;
    let renewal: ReturnType<typeof setTimeout> | undefined;
    const offer = async (): Promise<void> => {
      if (!(await passkeysFillIn()) || over) return;
      renewal = setTimeout(() => setRound(round + 1), renewAfterMs);
      let chosen = false;
      const choose = (): void => {
        chosen = true;
        setPending(true);
      };
      try {
        await signInWithPasskey(door, { fillIn: true, chosen: choose });
        await handlers.current.onDone();
      } catch (failure) {
        // Nobody picked one, or the offer itself was not to be had: the other ways in are on screen.
        if (over || !chosen) return;
        setError(failure);
        handlers.current.onError(failure);
      } finally {
        if (!over) setPending(false);
      }
    };
    void offer();
    return () => {
      over = true;
      clearTimeout(renewal);
      stopAskingForPasskey();
    };
  }, [enabled, door, round]);
  return { pending, error };
}
