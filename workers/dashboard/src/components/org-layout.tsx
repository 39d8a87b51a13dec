import { lazy, Suspense, useEffect, useRef } from "react";
import { Outlet, useLocation, useNavigation, useParams } from "react-router";
import type { Me } from "../api/schemas.ts";
import { factorDemand } from "../factor-demand.ts";
import { LiveProvider } from "../live/provider.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { Brand } from "./brand.tsx";
import { ConnectionReason, ConnectionStatus } from "./connection-status.tsx";
import { GraceBanner } from "./grace-banner.tsx";
import { MobileMenu } from "./mobile-menu.tsx";
import { Navigation } from "./navigation.tsx";
import { OrgContext, useOrg } from "./org-context.tsx";
import { OrgMenu } from "./org-menu.tsx";
import { NotFoundPage } from "./route-error.tsx";
import { SessionGate } from "./session-gate.tsx";
import { PageLoading, ProgressBar } from "./states.tsx";
import { ThemeMenu } from "./theme-menu.tsx";
import { useAsOfNow } from "./timestamp.tsx";

/** Few ever stand before it. */
const FactorWall = lazy(async () => ({ default: (await import("./factor-wall.tsx")).FactorWall }));

const ShutWall = lazy(async () => ({ default: (await import("./shut-wall.tsx")).ShutWall }));

/** Everything below `/o/{org}`: who is here, in which organisation, and the live connection. */
export function OrgLayout() {
  return <SessionGate>{(me) => <Organisation me={me} />}</SessionGate>;
}

function Organisation({ me }: { readonly me: Me }) {
  const { org: wanted } = useParams();
  const org = me.orgs.find(({ id, slug }) => slug === wanted || id === wanted);
  // Not the time itself: below are all pages, which must not be drawn anew at each of its ticks.
  const demand = useAsOfNow((now) => (org === undefined ? "none" : factorDemand(org.mfa, me.factors, now).kind));
  if (org === undefined) return <NotFoundPage />;
  const { state = "active" } = org;
  if (state !== "active") {
    return (
      <Suspense fallback={<PageLoading />}>
        <ShutWall me={me} org={org} state={state} />
      </Suspense>
    );
  }
  if (demand === "enrol" || demand === "prove") {
    return (
      <Suspense fallback={<PageLoading />}>
        <FactorWall key={demand} me={me} org={org} kind={demand} />
      </Suspense>
    );
  }
  return (
    <OrgContext value={{ org, user: me.user, root: `/o/${org.slug}` }}>
      <LiveProvider key={org.id} org={org.id}>
        <Frame me={me} enrolUntil={demand === "enrol_until" ? org.mfa.grace_until : null} />
      </LiveProvider>
    </OrgContext>
  );
}

function Frame({ me, enrolUntil }: { readonly me: Me; readonly enrolUntil: string | null }) {
  const { org } = useOrg();
  const main = useFocusOnNavigation();
  const navigation = useNavigation();
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only z-50 rounded-lg bg-kumo-base px-3 py-2 ring ring-kumo-line focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        Skip to content
      </a>
      <aside className="sticky top-0 hidden h-dvh flex-col gap-4 border-r border-kumo-hairline bg-kumo-base p-3 lg:flex">
        <Brand className="px-2 pt-1" />
        <OrgMenu org={org} orgs={me.orgs} />
        <Navigation />
        <div className="mt-auto grid gap-2 border-t border-kumo-hairline pt-3">
          <div className="px-2">
            <ConnectionStatus />
            <ConnectionReason className="pb-1" />
          </div>
          <div className="flex items-center justify-between gap-1">
            <AccountMenu user={me.user} />
            <ThemeMenu />
          </div>
        </div>
      </aside>
      <header className="sticky top-0 z-20 border-b border-kumo-hairline bg-kumo-base px-4 py-2 lg:hidden">
        <div className="flex items-center justify-between gap-3">
          <Brand />
          <div className="flex items-center gap-3">
            <ConnectionStatus />
            <MobileMenu org={org} me={me} />
          </div>
        </div>
        <ConnectionReason className="pt-1" />
      </header>
      <main id="main" ref={main} tabIndex={-1} className="relative min-w-0 px-4 py-5 sm:px-6 lg:px-8 lg:py-7">
        {navigation.state !== "idle" && <ProgressBar label="Loading page" />}
        <div className="mx-auto w-full max-w-6xl">
          {enrolUntil !== null && <GraceBanner until={enrolUntil} />}
          <Suspense fallback={<PageLoading />}>
            <Outlet />
          </Suspense>
        </div>
      </main>
    </div>
  );
}

/** After a change of page, the keyboard and the screen reader start at its content, not where they were. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname]);
  return main;
}
