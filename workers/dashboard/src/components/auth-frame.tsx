import type { ReactNode } from "react";
import { Brand } from "./brand.tsx";
import { useTitle } from "./page-header.tsx";
import { ThemeMenu } from "./theme-menu.tsx";

/** The page of one small form, before an organisation is on screen. */
export function AuthFrame(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
}) {
  useTitle(props.title);
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex items-center justify-between p-4 sm:px-6">
        <Brand />
        <ThemeMenu />
      </header>
      <main className="mx-auto w-full max-w-[26rem] flex-1 px-4 pt-[8vh] pb-12">
        <h1 className="text-2xl font-semibold tracking-tight">{props.title}</h1>
        {props.lead !== undefined && <p className="mt-1 text-kumo-subtle">{props.lead}</p>}
        <div className="mt-6 grid gap-4 rounded-xl bg-kumo-base p-5 ring ring-kumo-hairline sm:p-6">
          {props.children}
        </div>
        {props.footer !== undefined && <div className="mt-4 text-center text-kumo-subtle">{props.footer}</div>}
      </main>
    </div>
  );
}
