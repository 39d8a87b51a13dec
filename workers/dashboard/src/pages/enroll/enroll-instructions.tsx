import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createEnrollmentCode, enrollmentCodesKey } from "../../api/devices.ts";
import { useOrg } from "../../components/org-context.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { AgentSteps, CodeField } from "./agent-steps.tsx";

/** Long enough to walk to the machine, short enough that a forgotten code is dead by the evening. */
const quickCodeSeconds = 3_600;

/** The exact commands for one machine, and the button that makes their code. */
export function EnrollInstructions() {
  const { org } = useOrg();
  const client = useQueryClient();
  const [key, setKey] = useState(() => crypto.randomUUID());
  const work = useMutation({
    mutationFn: () =>
      createEnrollmentCode(org.id, { name: "Quick code", expires_in_seconds: quickCodeSeconds, max_uses: 1 }, key),
    onSuccess: () => {
      setKey(crypto.randomUUID());
      void client.invalidateQueries({ queryKey: enrollmentCodesKey(org.id) });
    },
  });
  const code = work.data;
  return (
    <div className="grid w-full gap-3">
      <AgentSteps
        code={
          code === undefined ? (
            <p className="text-left text-xs font-medium text-kumo-subtle">
              2. Paste the code when the agent asks for it. It is made below.
            </p>
          ) : (
            <>
              <CodeField code={code.code} />
              <p role="status" className="mt-1 text-left text-sm text-kumo-subtle">
                For one device, until <Timestamp at={code.expires_at} />. The code is shown this once.
              </p>
            </>
          )
        }
      />
      <FormFailure error={work.error} />
      <div>
        <Button
          variant={code === undefined ? "primary" : "secondary"}
          loading={work.isPending}
          onClick={() => work.mutate()}
        >
          {code === undefined ? "Make an enrolment code" : "Make another code"}
        </Button>
      </div>
    </div>
  );
}
