import { ApiProblem, clientProblem, parseProblem } from "./problem.ts";

/**
 * Sends bytes with the session cookie and says how many have left. By XMLHttpRequest: fetch tells nobody how far it is.
 * @param onSent bytes so far
 * @throws ApiProblem; an `AbortError` when the signal said so
 */
export function sendPart(
  path: string,
  bytes: Blob,
  { signal, onSent }: { readonly signal: AbortSignal; readonly onSent: (bytes: number) => void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    const end = (settle: () => void): void => {
      signal.removeEventListener("abort", abort);
      settle();
    };
    request.open("PUT", `/api/v1${path}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded }) => onSent(Math.min(loaded, bytes.size));
    request.onload = () => end(() => (request.status < 300 ? resolve() : reject(refusalOf(request))));
    request.onerror = () => end(() => reject(new ApiProblem(unreached)));
    request.onabort = () => end(() => reject(new DOMException("the upload was paused", "AbortError")));
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      request.onabort(new ProgressEvent("abort"));
      return;
    }
    request.send(bytes);
  });
}

const unreached = clientProblem(
  "network_error",
  "No answer",
  "Sentinel could not be reached. Check the connection and try again.",
  0,
  null,
);

function refusalOf(request: XMLHttpRequest): ApiProblem {
  let body: unknown = null;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // A proxy's page.
  }
  const requestId = request.getResponseHeader("X-Request-Id");
  const retryAfter = request.getResponseHeader("Retry-After");
  return new ApiProblem(parseProblem(body, request.status, { requestId, retryAfter }));
}
