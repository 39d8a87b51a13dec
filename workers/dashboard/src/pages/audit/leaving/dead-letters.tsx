import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { type DeadLetter, resendDeadLetter } from "../../../api/audit-stream.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { Row } from "../../../components/section.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";
import { failureText } from "./stream-state.ts";

/** Messages that were given up, by their entries, each to be sent once more. */
export function DeadLetters(props: {
  readonly letters: readonly DeadLetter[];
  readonly total: number;
  readonly onChanged: () => Promise<void>;
}) {
  const { org } = useOrg();
  const again = useMutation({
    mutationFn: (first: number) => resendDeadLetter(org.id, first),
    onSuccess: props.onChanged,
  });
  if (props.total === 0) return null;
  return (
    <div>
      <h3 className="mb-2 text-sm font-semibold">
        Put aside: {props.total}
        {props.total > props.letters.length && ` (the oldest ${props.letters.length})`}
      </h3>
      <ul aria-label="Messages that were put aside">
        {props.letters.map(({ first_seq, last_seq, failure, status, at, queued }) => (
          <Row
            key={first_seq}
            actions={
              queued ? (
                <Badge variant="secondary">Waiting to be sent</Badge>
              ) : (
                <Button
                  size="sm"
                  aria-label={`Send entries ${first_seq} to ${last_seq} again`}
                  disabled={again.isPending}
                  onClick={() => again.mutate(first_seq)}
                >
                  Send again
                </Button>
              )
            }
          >
            <p>
              Entries <span className="tabular">{first_seq}</span> to <span className="tabular">{last_seq}</span>
            </p>
            <p className="text-sm text-kumo-subtle">
              <Timestamp at={at} />: {failureText(failure, status)}
            </p>
          </Row>
        ))}
      </ul>
      <FormFailure error={again.error} />
    </div>
  );
}
