import { createBrowserRouter } from "react-router";
import { OrgLayout } from "./components/org-layout.tsx";
import { permitted } from "./components/permitted.tsx";
import { NotFoundPage, RouteError } from "./components/route-error.tsx";
import { RouterFrame } from "./components/router-frame.tsx";
import { PageLoading } from "./components/states.tsx";
import { DevicesPage } from "./pages/devices/devices.tsx";
import { SignInPage } from "./pages/sign-in/sign-in.tsx";

/** The paths of core/routes.ts that serve this application. What few people open is loaded when they do. */
export function createRouter() {
  return createBrowserRouter([
    {
      Component: RouterFrame,
      errorElement: <RouteError />,
      HydrateFallback: PageLoading,
      children: [
        { path: "/sign-in", Component: SignInPage },
        { path: "/", lazy: async () => ({ Component: (await import("./pages/orgs/orgs.tsx")).OrgsPage }) },
        {
          path: "/register",
          lazy: async () => ({ Component: (await import("./pages/register/register.tsx")).RegisterPage }),
        },
        {
          path: "/verify-email",
          lazy: async () => ({ Component: (await import("./pages/verify-email/verify-email.tsx")).VerifyEmailPage }),
        },
        {
          path: "/invitation",
          lazy: async () => ({ Component: (await import("./pages/invitation/invitation.tsx")).InvitationPage }),
        },
        {
          path: "/o/:org",
          Component: OrgLayout,
          children: [
            { index: true, Component: DevicesPage },
            {
              path: "devices/:device",
              lazy: async () => ({ Component: (await import("./pages/device/device.tsx")).DevicePage }),
            },
            {
              path: "members",
              lazy: async () => ({
                Component: permitted("members:read", (await import("./pages/members/members.tsx")).MembersPage),
              }),
            },
            {
              path: "groups",
              lazy: async () => ({
                Component: permitted("groups:read", (await import("./pages/groups/groups.tsx")).GroupsPage),
              }),
            },
            {
              path: "enroll",
              lazy: async () => ({
                Component: permitted("enrollment:manage", (await import("./pages/enroll/enroll.tsx")).EnrollPage),
              }),
            },
            {
              path: "audit",
              lazy: async () => ({
                Component: permitted("audit:read", (await import("./pages/audit/audit.tsx")).AuditPage),
              }),
            },
            { path: "*", Component: NotFoundPage },
          ],
        },
        { path: "*", Component: NotFoundPage },
      ],
    },
  ]);
}
