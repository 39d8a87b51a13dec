import type { ReactNode } from "react";
import { AuthFrame } from "./auth-frame.tsx";

/** The page of a mailed link that lost its token on the way. */
export function IncompleteLink({ title, footer }: { readonly title: string; readonly footer?: ReactNode }) {
  return (
    <AuthFrame title={title} footer={footer}>
      <p>This link is incomplete. Open the newest one from your e-mail, whole.</p>
    </AuthFrame>
  );
}
