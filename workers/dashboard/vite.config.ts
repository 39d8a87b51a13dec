import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { integrity } from "./integrity.ts";

/** Builds into `dist`, which the edge serves under a policy that allows nothing inline. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss(), integrity()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2023",
    // `font-src 'self'` allows no data: address.
    assetsInlineLimit: 0,
    // Every browser that knows the features used here preloads modules by itself.
    modulePreload: { polyfill: false },
    // MQTT.js is one file of 340 kB, loaded only after sign-in.
    chunkSizeWarningLimit: 400,
  },
});
