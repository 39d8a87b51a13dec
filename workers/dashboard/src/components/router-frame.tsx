import { LinkProvider } from "@cloudflare/kumo/utils";
import { type AnchorHTMLAttributes, forwardRef } from "react";
import { Link, Outlet } from "react-router";

/** Lets the component library's links change the page without loading it anew. */
const RouterLink = forwardRef<HTMLAnchorElement, AnchorHTMLAttributes<HTMLAnchorElement> & { readonly to?: string }>(
  function RouterLink({ href, to, ...rest }, ref) {
    return <Link ref={ref} to={href ?? to ?? "/"} {...rest} />;
  },
);

export function RouterFrame() {
  return (
    <LinkProvider component={RouterLink}>
      <Outlet />
    </LinkProvider>
  );
}
