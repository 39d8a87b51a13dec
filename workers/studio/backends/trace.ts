import type { RequestId } from "../../../core/ids.ts";

/** One trace context (W3C Trace Context, level 1) for each try of a call. */
export interface Trace {
  /** The fields of the next try: the same trace, another parent. */
  next(): { readonly traceparent: string; readonly tracestate: string };
}

/**
 * Begins a trace. A client's own is not continued: it would let whoever calls choose what a backend's traces are found
 * by. The request id goes along, so that the audit log and a backend's traces lead to each other.
 */
export function beginTrace(requestId: RequestId, randomBytes: (length: number) => Uint8Array): Trace {
  const hex = (length: number): string => Buffer.from(randomBytes(length)).toString("hex");
  const trace = hex(16);
  return { next: () => ({ traceparent: `00-${trace}-${hex(8)}-01`, tracestate: `sentinel=${requestId}` }) };
}
