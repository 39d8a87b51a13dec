import { LinkProvider } from "@cloudflare/kumo/utils";
import { type AnchorHTMLAttributes, forwardRef } from "react";
import { Link, Outlet } from "react-router";
import { RecoveryCodesHost } from "./recovery-codes.tsx";
import { StepUpDialog } from "./step-up-dialog.tsx";

/** Lets the component library's links change the page without loading it anew. */
const RouterLink = forwardRef<HTMLAnchorElement, AnchorHTMLAttributes<HTMLAnchorElement> & { readonly to?: string }>(
  function RouterLink({ href, to, ...rest }, ref) {
    return <Link ref={ref} to={href ?? to ?? "/"} {...rest} />;
  },
);

/** Round every page: its links, and the dialogs that outlive a change of page. */
export function RouterFrame() {
  return (
    <LinkProvider component={RouterLink}>
      <RecoveryCodesHost>
        <Outlet />
      </RecoveryCodesHost>
      <StepUpDialog />
    </LinkProvider>
  );
}
