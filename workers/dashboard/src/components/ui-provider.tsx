import { Toasty } from "@cloudflare/kumo/components/toast";
import { TooltipProvider } from "@cloudflare/kumo/components/tooltip";
import { CSPProvider } from "@cloudflare/kumo/primitives/csp-provider";
import type { ReactNode } from "react";

/** What the components need round them. Base UI's `<style>` elements are off: the content policy refuses them. */
export function UiProvider({ children }: { readonly children: ReactNode }) {
  return (
    <CSPProvider disableStyleElements>
      <TooltipProvider>
        <Toasty>{children}</Toasty>
      </TooltipProvider>
    </CSPProvider>
  );
}
