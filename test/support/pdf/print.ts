/** `CHROMIUM=… node test/support/pdf/print.ts [NAME …]`: prints what printed.ts says, with Debian's fonts-noto-core. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Printed, printed, printedUrl } from "./printed.ts";

const names = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "sentinel-print-"));
for (const [name, { font, text }] of Object.entries(printed)) {
  if (font === null || (names.length > 0 && !names.includes(name))) continue;
  const page = join(folder, "page.html");
  const style = `body { width: 480px; font: 14px "${font}" } b { font-size: 22px }`;
  const [title, ...rest] = text.split(":");
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><style>${style}</style><b>${title}:</b>${rest.join(":")}`);
  execFileSync(
    process.env["CHROMIUM"] ?? "chromium",
    [
      "--headless",
      "--no-sandbox",
      "--no-pdf-header-footer",
      "--generate-pdf-document-outline=false",
      `--print-to-pdf=${fileURLToPath(printedUrl(name as Printed))}`,
      page,
    ],
    { stdio: "ignore" },
  );
}
rmSync(folder, { recursive: true });
