import type { Me } from "../api/schemas.ts";
import { TextLink } from "./text-link.tsx";

/** The way on for somebody who can't get into this organisation, if there is one. */
export function OtherOrganisations({ me }: { readonly me: Me }) {
  if (me.orgs.length < 2) return null;
  return (
    <p className="mt-4">
      <TextLink to="/" className="underline">
        Your other organisations
      </TextLink>
    </p>
  );
}
