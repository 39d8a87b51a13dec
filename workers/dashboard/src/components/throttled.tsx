import { useEffect, useState } from "react";
import { type ProblemFields, problemOf } from "../api/problem.ts";
import { throttledSeconds } from "../api/sign-in.ts";
import { formatDuration, secondsLeft } from "../format/countdown.ts";
import { FormFailure } from "./states.tsx";

const secondMs = 1000;

/** Seconds until `untilMs`, counted down on screen; 0 when there is nothing to wait for. */
function useSecondsLeft(untilMs: number | null): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (untilMs === null) return;
    setNowMs(Date.now());
    const timer = setInterval(() => {
      setNowMs(Date.now());
      if (Date.now() >= untilMs) clearInterval(timer);
    }, secondMs);
    return () => clearInterval(timer);
  }, [untilMs]);
  return untilMs === null ? 0 : secondsLeft(untilMs, nowMs);
}

/** How long the server asked to be left alone, counted from when it said so. */
export function useThrottle(error: unknown): number {
  const [untilMs, setUntilMs] = useState<number | null>(null);
  useEffect(() => {
    const seconds = error == null ? null : throttledSeconds(problemOf(error));
    setUntilMs(seconds === null ? null : Date.now() + seconds * secondMs);
  }, [error]);
  return useSecondsLeft(untilMs);
}

/** What went wrong with a proof; for too many wrong ones, how long to wait and what needs no waiting. */
export function ProofFailure(props: {
  readonly error: unknown;
  readonly secondsLeft: number;
  readonly passkey: boolean;
}) {
  if (props.error == null) return null;
  const problem: ProblemFields = problemOf(props.error);
  if (throttledSeconds(problem) === null) return <FormFailure error={props.error} />;
  return (
    <div role="alert" className="rounded-lg bg-kumo-warning-tint p-3 ring ring-kumo-warning/40">
      <p className="font-medium">Too many failed attempts</p>
      <p className="text-sm">
        {props.secondsLeft > 0 ? (
          <>
            Try again in{" "}
            <span role="timer" aria-live="off" className="tabular">
              {formatDuration(props.secondsLeft)}
            </span>
            .
          </>
        ) : (
          "You can try again now."
        )}
        {props.passkey && " A passkey gets you in at once."}
      </p>
    </div>
  );
}
