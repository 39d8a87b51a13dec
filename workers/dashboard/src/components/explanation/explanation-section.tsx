import { Button } from "@cloudflare/kumo/components/button";
import { Select } from "@cloudflare/kumo/components/select";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Explain, type Explanation, llmModels, llmModelsKey } from "../../api/explanations.ts";
import { useOrg } from "../org-context.tsx";
import { Section } from "../section.tsx";
import { FormFailure } from "../states.tsx";
import { TextLink } from "../text-link.tsx";
import { CitedText } from "./cited-text.tsx";
import { SourceList } from "./source-list.tsx";

/** One thing that a model can be asked here. */
export interface Question {
  readonly label: string;
  readonly explain: Explain;
}

const ends: Readonly<Record<NonNullable<Explanation["end"]>, string | null>> = {
  stop: null,
  length: "The answer reached its longest.",
  too_long: "The model said more than is shown.",
  cut_off: "The answer broke off.",
};

/** Asks a model of the organisation's; not there while it has none for this person. */
export function ExplanationSection(props: {
  readonly title: string;
  readonly lead: ReactNode;
  readonly questions: readonly Question[];
}) {
  const { org, root, may } = useOrg();
  const models = useQuery({
    queryKey: llmModelsKey(org.id),
    queryFn: ({ signal }) => llmModels(org.id, signal),
    enabled: may("llm:use"),
  });
  if (models.data === undefined) return null;
  if (models.data.length > 0) return <Asking {...props} models={models.data} />;
  if (!may("llm:manage")) return null;
  return (
    <Section
      title={props.title}
      lead={
        <>
          A language model can do this once you have{" "}
          <TextLink to={`${root}/language-models`} className="underline">
            given one
          </TextLink>
          .
        </>
      }
    />
  );
}

function Asking(props: {
  readonly title: string;
  readonly lead: ReactNode;
  readonly questions: readonly Question[];
  readonly models: readonly string[];
}) {
  const [chosen, setModel] = useState<string | null>(null);
  const model = chosen ?? props.models[0] ?? "";
  const { state, ask, stop } = useExplanation();
  return (
    <Section
      title={props.title}
      lead={props.lead}
      actions={
        <>
          {props.models.length > 1 && (
            <Select
              aria-label="Model"
              value={model}
              items={Object.fromEntries(props.models.map((name) => [name, name]))}
              onValueChange={(next) => next !== null && setModel(next)}
            />
          )}
          {props.questions.map(({ label, explain }) => (
            <Button key={label} disabled={state.pending} onClick={() => void ask(explain, model)}>
              {label}
            </Button>
          ))}
          {state.pending && <Button onClick={stop}>Stop</Button>}
        </>
      }
    >
      <FormFailure error={state.error} />
      {state.explanation !== null && <Answer explanation={state.explanation} />}
    </Section>
  );
}

interface Asked {
  readonly pending: boolean;
  readonly error: unknown;
  readonly explanation: Explanation | null;
}

/** One answer at a time; leaving the page ends it, and with it what it costs. */
function useExplanation() {
  const [state, setState] = useState<Asked>({ pending: false, error: null, explanation: null });
  const under = useRef<AbortController | null>(null);
  useEffect(() => () => under.current?.abort(), []);
  const ask = async (explain: Explain, model: string): Promise<void> => {
    const end = new AbortController();
    under.current = end;
    setState({ pending: true, error: null, explanation: null });
    try {
      await explain(model, end.signal, (explanation) => setState({ pending: true, error: null, explanation }));
      setState((before) => ({ ...before, pending: false }));
    } catch (error) {
      setState((before) => ({ ...before, pending: false, error: end.signal.aborted ? null : error }));
    }
  };
  return { state, ask, stop: () => under.current?.abort() };
}

function Answer({ explanation }: { readonly explanation: Explanation }) {
  const prefix = useId();
  const { sources, text, end } = explanation;
  const idOf = (index: number): string => `${prefix}-S${index + 1}`;
  const known = (name: string): string | null => {
    const index = Number(name.slice(1)) - 1;
    return index < sources.length ? idOf(index) : null;
  };
  const note = end === null ? null : ends[end];
  return (
    <div className="grid gap-3">
      <div role="log" aria-label="Answer" aria-busy={end === null} className="rounded-lg bg-kumo-recessed p-4">
        <CitedText text={text === "" && end === null ? "…" : text} idOf={known} />
      </div>
      {note !== null && <p className="text-kumo-subtle">{note}</p>}
      <p className="text-sm text-kumo-subtle">
        A model wrote this from the records below. It may be wrong, and who writes a record may try to mislead it: check
        what matters.
      </p>
      {sources.length > 0 && <SourceList sources={sources} idOf={idOf} />}
    </div>
  );
}
