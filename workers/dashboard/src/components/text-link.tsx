import type { ReactNode } from "react";
import { Link } from "react-router";

export function TextLink(props: { readonly to: string; readonly children: ReactNode; readonly className?: string }) {
  return (
    <Link to={props.to} className={`text-kumo-link underline-offset-2 hover:underline ${props.className ?? ""}`}>
      {props.children}
    </Link>
  );
}
