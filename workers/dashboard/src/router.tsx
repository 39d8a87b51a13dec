import { createBrowserRouter, type RouteObject } from "react-router";
import { OrgLayout } from "./components/org-layout.tsx";
import { permitted } from "./components/permitted.tsx";
import { NotFoundPage, RouteError } from "./components/route-error.tsx";
import { RouterFrame } from "./components/router-frame.tsx";
import { PageLoading } from "./components/states.tsx";
import { DevicesPage } from "./pages/devices/devices.tsx";
import { SignInPage } from "./pages/sign-in/sign-in.tsx";

const modelsRoute = {
  path: "language-models",
  lazy: async () => ({
    Component: permitted("llm:read", (await import("./pages/language-models/language-models.tsx")).LanguageModelsPage),
  }),
};
const billingRoutes: readonly RouteObject[] = [
  {
    path: "billing",
    lazy: async () => ({
      Component: permitted("billing:manage", (await import("./pages/billing/billing.tsx")).BillingPage),
    }),
  },
  {
    path: "billing/invoices/:invoice",
    lazy: async () => ({
      Component: permitted("billing:manage", (await import("./pages/billing/invoice-page.tsx")).InvoicePage),
    }),
  },
];
const exportsRoute = {
  path: "exports",
  lazy: async () => ({
    Component: permitted("exports:read", (await import("./pages/exports/exports.tsx")).ExportsPage),
  }),
};

/** What stands outside: servers that members call, and who signs them in. */
const outsideRoutes: readonly RouteObject[] = [
  {
    path: "backends",
    lazy: async () => ({
      Component: permitted("backends:monitor", (await import("./pages/backends/backends.tsx")).BackendsPage),
    }),
  },
  {
    path: "identity-providers",
    lazy: async () => ({
      Component: permitted(
        "identity_providers:manage",
        (await import("./pages/identity-providers/identity-providers.tsx")).IdentityProvidersPage,
      ),
    }),
  },
];

/** The paths of core/routes.ts that serve this application. What few people open is loaded when they do. */
export function createRouter() {
  return createBrowserRouter([
    {
      Component: RouterFrame,
      errorElement: <RouteError />,
      HydrateFallback: PageLoading,
      children: [
        { path: "/sign-in", Component: SignInPage },
        { path: "/o/:org/sign-in", Component: SignInPage },
        {
          path: "/sign-in/callback",
          lazy: async () => ({
            Component: (await import("./pages/sign-in-callback/sign-in-callback.tsx")).SignInCallbackPage,
          }),
        },
        {
          path: "/forgot-password",
          lazy: async () => ({
            Component: (await import("./pages/forgot-password/forgot-password.tsx")).ForgotPasswordPage,
          }),
        },
        {
          path: "/break-glass",
          lazy: async () => ({ Component: (await import("./pages/break-glass/break-glass.tsx")).BreakGlassPage }),
        },
        {
          path: "/reset-password",
          lazy: async () => ({
            Component: (await import("./pages/reset-password/reset-password.tsx")).ResetPasswordPage,
          }),
        },
        {
          path: "/confirm-email",
          lazy: async () => ({ Component: (await import("./pages/confirm-email/confirm-email.tsx")).ConfirmEmailPage }),
        },
        {
          path: "/account/security",
          lazy: async () => ({ Component: (await import("./pages/account/security.tsx")).AccountSecurityPage }),
        },
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
              path: "documents",
              lazy: async () => ({
                Component: permitted("documents:read", (await import("./pages/documents/documents.tsx")).DocumentsPage),
              }),
            },
            {
              path: "documents/:document",
              lazy: async () => ({
                Component: permitted("documents:read", (await import("./pages/document/document.tsx")).DocumentPage),
              }),
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
              path: "api-keys",
              lazy: async () => ({
                Component: permitted("api_keys:manage", (await import("./pages/api-keys/api-keys.tsx")).ApiKeysPage),
              }),
            },
            {
              path: "security",
              lazy: async () => ({
                Component: permitted("policies:read", (await import("./pages/security/security.tsx")).SecurityPage),
              }),
            },
            ...outsideRoutes,
            modelsRoute,
            exportsRoute,
            ...billingRoutes,
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
