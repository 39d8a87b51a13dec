import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Person } from "../api/schemas.ts";
import { AccountMenu } from "./account-menu.tsx";
import { Brand } from "./brand.tsx";
import { ThemeMenu } from "./theme-menu.tsx";

/** A signed-in person's page outside any organisation. */
export function PlainFrame({ user, children }: { readonly user: Person; readonly children: ReactNode }) {
  return (
    <div className="min-h-dvh">
      <header className="flex items-center justify-between gap-3 border-b border-kumo-hairline bg-kumo-base px-4 py-2 sm:px-6">
        <Link to="/" aria-label="Sentinel: your organisations" className="inline-flex rounded-lg">
          <Brand />
        </Link>
        <div className="flex min-w-0 items-center gap-1">
          <AccountMenu user={user} />
          <ThemeMenu />
        </div>
      </header>
      <main className="mx-auto w-full max-w-2xl px-4 py-10">{children}</main>
    </div>
  );
}
