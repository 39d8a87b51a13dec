import { useMemo } from "react";
import { qrPath } from "./qr-path.ts";

/** A QR code, dark on white in both themes: many cameras can't read the reverse. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { size, path } = useMemo(() => qrPath(text), [text]);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="size-48 shrink-0 rounded-lg bg-white ring ring-kumo-hairline"
    >
      <path d={path} className="fill-black" />
    </svg>
  );
}
