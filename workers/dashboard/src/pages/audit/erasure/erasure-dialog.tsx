import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { eraseAuditSubject } from "../../../api/audit.ts";
import { isProblem } from "../../../api/problem.ts";
import { FormDialog } from "../../../components/form-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { confirmedErasure, erasureWords } from "./confirmed.ts";

/** Says what erasing does and can't undo, and does it when that was written out. The client asks who it is. */
export function ErasureDialog(props: {
  readonly suggested: string;
  readonly onErased: (user: string) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { org } = useOrg();
  const [user, setUser] = useState(props.suggested);
  const [words, setWords] = useState("");
  const [incomplete, setIncomplete] = useState(false);
  const work = useMutation({
    mutationFn: (whom: string) => eraseAuditSubject(org.id, whom),
    onSuccess: (_, whom) => props.onErased(whom),
  });
  const unknown = isProblem(work.error, "not_found");
  return (
    <FormDialog
      open
      title="Erase a person from the audit log"
      description="This can’t be undone, by you, by us or by anybody."
      submit="Erase for good"
      pending={work.isPending}
      error={unknown ? null : work.error}
      onSubmit={() => {
        const whom = confirmedErasure(user, words);
        setIncomplete(whom === null);
        if (whom !== null) work.mutate(whom);
      }}
      onClose={props.onClose}
    >
      <ul className="grid list-disc gap-1 pl-5 text-sm text-kumo-subtle">
        <li>
          Who they were, their addresses and browsers become unreadable in every entry, here and in every copy of ours.
        </li>
        <li>The entries stay, and so does the proof that none was changed: that somebody stood there is still seen.</li>
        <li>What was exported or streamed before is with whoever has it. Erase it there too.</li>
        <li>That you erased somebody stands in the log. Whom, nobody can read.</li>
      </ul>
      <Input
        label="Id of the person"
        description="As the log shows it. They must be no member any more."
        required
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        placeholder="usr_…"
        value={user}
        {...(unknown ? { error: "This log names no such person." } : {})}
        onChange={(event) => setUser(event.target.value)}
      />
      <Input
        label={`Write “${erasureWords}”`}
        required
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        value={words}
        {...(incomplete ? { error: "Both are needed: a person’s id, usr_ and 26 characters, and the words." } : {})}
        onChange={(event) => setWords(event.target.value)}
      />
    </FormDialog>
  );
}
