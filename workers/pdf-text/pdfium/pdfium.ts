/**
 * PDFium as WebAssembly, begun anew for each PDF. It sees its own memory and what it is given to call; nothing of that
 * leads anywhere, and it has no clock. So whatever a PDF makes of it, with a mistake of the parser's, ends with that PDF.
 */
import module from "@hyzyla/pdfium/pdfium.wasm";
import type { PdfiumCalls } from "./calls.ts";

// They are gone from the global scope by the time that they are used (take-away.ts).
const { Instance, Module, RuntimeError } = WebAssembly;

/**
 * Its memory at most, the PDF's 16 MiB within: an isolate has 128 MB, where the request's bytes, the text and the
 * program lie beside it. Memory is counted as what is held, so a PDF that unpacks to gigabytes ends here.
 */
export const heapBytesMax = 80 * 1024 * 1024;
const wasmPageBytes = 64 * 1024;
/** It grows by so much at once, or a large PDF would have it moved hundreds of times. */
const growthBytes = 4 * 1024 * 1024;

/** PDFium gave up, as it does without memory and where it finds itself wrong. */
class Aborted extends Error {
  override readonly name = "Aborted";
}

/** Whether an error is the end of that PDFium, and not a mistake of ours. A RangeError: its calls went too deep. */
export const isItsEnd = (error: unknown): boolean =>
  error instanceof Aborted || error instanceof RuntimeError || error instanceof RangeError;

export interface Pdfium {
  readonly calls: PdfiumCalls;
  /** Its memory, as large as it is now. */
  view(): DataView<ArrayBuffer>;
  /** Puts bytes into its memory. @returns where @throws what `isItsEnd` knows, when they don't fit */
  put(bytes: Uint8Array): number;
  /** Whether it asked for more memory than it may, whatever became of it. */
  wasRefused(): boolean;
}

/** What Emscripten's programs export for their own host. */
interface Runtime extends PdfiumCalls {
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  emscripten_stack_get_current(): number;
  _emscripten_stack_restore(at: number): void;
  setThrew(threw: number, value: number): void;
}

type Given = (...values: number[]) => number | undefined;

/** Of WASI and Linux alike here: there is no such call. */
const notThere = 52;

/** Begins one. It costs some milliseconds. */
export function startPdfium(): Pdfium {
  let isRefused = false;
  const imports: Record<string, Record<string, Given>> = {};
  for (const { module: from, name } of Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = given(name);
  }
  const runtime = new Instance(module, imports).exports as unknown as Runtime;
  const { memory } = runtime;
  let view = new DataView(memory.buffer);
  runtime.emscripten_stack_init();
  runtime.__wasm_call_ctors();
  runtime.FPDF_InitLibrary();

  function given(name: string): Given {
    if (name === "emscripten_resize_heap") return grow;
    // A call that may be jumped out of, as C's longjmp does.
    if (name.startsWith("invoke_")) return invoke;
    if (name === "_emscripten_throw_longjmp") return () => throwIt(Number.POSITIVE_INFINITY);
    if (name === "emscripten_date_now") return () => 0;
    // Files, the environment, the time of day.
    if (name.startsWith("__syscall_")) return () => -notThere;
    if (/^(fd|environ)_/.test(name)) return () => notThere;
    if (/^_(tzset|localtime|gmtime)_js$/.test(name)) return () => undefined;
    return () => throwIt(new Aborted(name));
  }

  /** @returns 1, or 0: there is no more */
  function grow(wanted: number): number {
    const bytes = wanted >>> 0;
    const now = memory.buffer.byteLength;
    try {
      if (bytes > heapBytesMax) throw new RangeError("more than it may");
      memory.grow(Math.ceil((Math.min(heapBytesMax, Math.max(bytes, now + growthBytes)) - now) / wasmPageBytes));
      return 1;
    } catch {
      isRefused = true;
      return 0;
    }
  }

  function invoke(index: number, ...values: number[]): number | undefined {
    const stack = runtime.emscripten_stack_get_current();
    try {
      return runtime.__indirect_function_table.get(index)(...values);
    } catch (error) {
      if (error !== Number.POSITIVE_INFINITY) throw error;
      runtime._emscripten_stack_restore(stack);
      runtime.setThrew(1, 0);
      return 0;
    }
  }

  return {
    calls: runtime,
    view: () => {
      if (view.buffer !== memory.buffer) view = new DataView(memory.buffer);
      return view;
    },
    put: (bytes) => {
      const at = runtime.malloc(bytes.length);
      if (at === 0) throw new Aborted("no memory");
      new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
      return at;
    },
    wasRefused: () => isRefused,
  };
}

function throwIt(what: unknown): never {
  throw what;
}
