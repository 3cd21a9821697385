import { defineConfig } from "vite";

export default defineConfig({
  base: "/review/",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The server puts a fresh value here each time: some styles are made by scripts (waveforms).
  html: { cspNonce: "__NONCE__" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // `npm run dev` talks to a service on the default port of tests/web/review_service.py.
  server: { proxy: { "/v1": "http://127.0.0.1:8765" } },
});
