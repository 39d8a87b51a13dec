import { Fragment } from "react";

/** `[S12]`, as the model is told to write what it refers to. */
const reference = /\[(S[1-9]\d{0,2})\]/;

/**
 * A model's words as text. The one thing in it that is a link is the name of a source that was chosen here, and it
 * leads to that source's place on this page: no address of the model's is ever one.
 * @param idOf the element's id of a source's place; null for a name that no source has
 */
export function CitedText(props: { readonly text: string; readonly idOf: (name: string) => string | null }) {
  // Every second part is a name.
  const parts = props.text.split(reference);
  return (
    <p className="break-words whitespace-pre-wrap">
      {parts.map((part, index) => {
        const id = index % 2 === 1 ? props.idOf(part) : null;
        const shown = index % 2 === 1 ? `[${part}]` : part;
        const key = `${index}`;
        return id === null ? (
          <Fragment key={key}>{shown}</Fragment>
        ) : (
          <a key={key} href={`#${id}`} className="font-mono text-[13px] underline">
            {shown}
          </a>
        );
      })}
    </p>
  );
}
