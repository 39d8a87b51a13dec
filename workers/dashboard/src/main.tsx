import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router/dom";
import "./theme/app.css";
import { createQueryClient } from "./api/query-client.ts";
import { UiProvider } from "./components/ui-provider.tsx";
import { createRouter } from "./router.tsx";
import { applyTheme, watchSystemTheme } from "./theme/theme.ts";

applyTheme();
watchSystemTheme();

const host = document.getElementById("root");
if (host === null) throw new Error("index.html has no #root");
createRoot(host).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <UiProvider>
        <RouterProvider router={createRouter()} />
      </UiProvider>
    </QueryClientProvider>
  </StrictMode>,
);
