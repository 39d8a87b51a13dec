import { encode } from "uqr";

/** Modules of quiet zone round the code (ISO/IEC 18004 asks for four). */
const quietModules = 4;

/** One path of unit squares, row by row; adjacent dark modules are one run. */
export function qrPath(text: string): { readonly size: number; readonly path: string } {
  const { size, data } = encode(text, { ecc: "M", border: quietModules });
  let path = "";
  for (const [y, row] of data.entries()) {
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] !== true) continue;
      const from = x;
      while (row[x + 1] === true) x += 1;
      path += `M${from} ${y}h${x - from + 1}v1h-${x - from + 1}z`;
    }
  }
  return { size, path };
}
