import { Badge } from "@cloudflare/kumo/components/badge";
import type { DocumentVersion } from "../../api/documents.ts";
import { mediaTypeName } from "../../format/media-type.ts";

/** What a version is, by its bytes, and whether something in it may run. */
export function DocumentKind({ version }: { readonly version: DocumentVersion }) {
  // Nobody could tell what it is, so nobody can tell what it does.
  if (version.type === "application/octet-stream") {
    return (
      <span title="Its bytes are of no kind that is known here. Open it only if you trust whoever made it.">
        <Badge variant="warning">Unknown kind</Badge>
      </span>
    );
  }
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-1">
      <span title={version.type}>{mediaTypeName(version.type)}</span>
      {version.active && (
        <span title="A browser or an office program may run something in it. Open it only if you trust whoever made it.">
          <Badge variant="warning">Active content</Badge>
        </span>
      )}
      {version.text === "waiting" && (
        <span title="The search finds it by its name until its text was read. That is tried again each day.">
          <Badge variant="secondary">Text not read yet</Badge>
        </span>
      )}
      {version.text === "unreadable" && (
        <span title="Its text could not be read: it is encrypted, damaged, too large or would take too long. The search finds it by its name.">
          <Badge variant="secondary">Found by name only</Badge>
        </span>
      )}
    </span>
  );
}
