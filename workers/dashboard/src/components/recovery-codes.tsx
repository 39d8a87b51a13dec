import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { DownloadSimpleIcon } from "@phosphor-icons/react/DownloadSimple";
import { PrinterIcon } from "@phosphor-icons/react/Printer";
import { createContext, type ReactNode, useCallback, useContext, useState } from "react";
import { createPortal } from "react-dom";
import { useMe } from "../api/auth.ts";
import { CopyButton } from "./copy-field.tsx";
import { fileText } from "./recovery-codes-file.ts";

type Show = (codes: readonly string[]) => Promise<void>;
const ShowContext = createContext<Show | null>(null);

/** Shows new recovery codes; resolves once the person says that they are kept. */
export function useShowRecoveryCodes(): Show {
  const show = useContext(ShowContext);
  if (show === null) throw new Error("outside the recovery codes' host");
  return show;
}

/**
 * Holds new recovery codes above every page: they are in no other place, so a page that goes away under
 * them must not take them along.
 */
export function RecoveryCodesHost({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<{ readonly codes: readonly string[]; readonly done: () => void } | null>(null);
  const show = useCallback<Show>(
    (codes) =>
      new Promise((resolve) =>
        setShown({
          codes,
          done: () => {
            setShown(null);
            resolve();
          },
        }),
      ),
    [],
  );
  return (
    <ShowContext value={show}>
      {children}
      {shown !== null && <RecoveryCodesDialog codes={shown.codes} onDone={shown.done} />}
    </ShowContext>
  );
}

function RecoveryCodesDialog(props: { readonly codes: readonly string[]; readonly onDone: () => void }) {
  const [kept, setKept] = useState(false);
  const me = useMe();
  const text = fileText(props.codes, me.data?.user.email ?? "", new Date());
  return (
    // Only its own button closes it: a stray key must not throw the codes away.
    <Dialog.Root open disablePointerDismissal>
      <Dialog size="lg" className="grid gap-4 p-6">
        <Dialog.Title className="text-lg font-semibold">Your recovery codes</Dialog.Title>
        <Dialog.Description className="-mt-2 text-kumo-subtle">
          They get you in when your other factors are lost. Each works once. They are shown this once: keep them where
          your password isn’t.
        </Dialog.Description>
        <div className="rounded-lg bg-kumo-recessed p-4 ring ring-kumo-hairline">
          <ul
            aria-label="Recovery codes"
            className="grid justify-center gap-y-1 font-mono text-[13px] tracking-tight sm:text-sm sm:tracking-normal"
          >
            {props.codes.map((code) => (
              <li key={code} className="whitespace-nowrap select-all">
                {code}
              </li>
            ))}
          </ul>
        </div>
        <div className="flex flex-wrap gap-2">
          <CopyButton label="recovery codes" text={props.codes.join("\n")} />
          <Button size="sm" icon={DownloadSimpleIcon} onClick={() => download(text)}>
            Download
          </Button>
          <Button size="sm" icon={PrinterIcon} onClick={() => window.print()}>
            Print
          </Button>
        </div>
        <Checkbox label="I have put them in a safe place" checked={kept} onCheckedChange={setKept} />
        <div className="flex justify-end">
          <Button variant="primary" disabled={!kept} onClick={props.onDone}>
            Done
          </Button>
        </div>
        {createPortal(<Paper text={text} />, document.body)}
      </Dialog>
    </Dialog.Root>
  );
}

/** What is printed: beside the page rather than in the dialog, which would cut it off at its own edge. */
function Paper({ text }: { readonly text: string }) {
  return (
    <pre data-print="" className="hidden font-mono text-base text-black print:block">
      {text}
    </pre>
  );
}

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "sentinel-recovery-codes.txt";
  link.click();
  URL.revokeObjectURL(url);
}
