import type { KeyReminder, KeyTimes } from "../../../core/llm/key-state.ts";
import type { MailMessage } from "./mailer.ts";
import { oneLine } from "./messages.ts";

const subjects: Readonly<Record<KeyReminder, string>> = {
  week: "A key of a language model's provider is due within a week",
  day: "A key of a language model's provider is due",
  blocked: "A key of a language model's provider is not used any more",
};

/** A reminder to an organisation's administrators. No name stands in the subject: names come from people. */
export function llmKeyMail(
  to: string,
  publicUrl: URL,
  due: KeyTimes & { readonly slug: string; readonly name: string; readonly stage: KeyReminder },
): MailMessage {
  const { slug, name, stage, dueMs, blockedMs } = due;
  const on = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return {
    to,
    subject: subjects[stage],
    text: [
      `The key of "${oneLine(name)}" in "${slug}" has its thirty days over on ${on(dueMs)}.`,
      stage === "blocked"
        ? `It has not been used since ${on(blockedMs)}: models that only this provider offers answer nobody.`
        : `From ${on(blockedMs)} on it is not used, and models that only this provider offers answer nobody.`,
      "Make a new key in the provider's console and give it here; the one before stays valid for a week:",
      new URL(`/o/${slug}/language-models`, publicUrl).href,
    ].join("\n\n"),
  };
}
