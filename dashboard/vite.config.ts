import { defineConfig } from 'vitest/config';

// The server that answers while the page is served by Vite: `npm run dev`.
const server = process.env.BITBUDGET_HTTP ?? 'http://127.0.0.1:7410';

export default defineConfig({
  // Any path may lead to the page: the server may stand behind a proxy.
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    // Figures need it, the frame of the page does not.
    rollupOptions: { output: { manualChunks: { plot: ['@observablehq/plot'] } } },
  },
  server: { proxy: { '^/(bitbudget\\.v1\\.|healthz)': server } },
  test: { include: ['src/**/*.test.ts'] },
});
