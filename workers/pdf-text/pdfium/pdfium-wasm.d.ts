/** The platform compiles it when it loads the Worker: nothing is compiled while it runs. */
declare module "@hyzyla/pdfium/pdfium.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
