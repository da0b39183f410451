import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

// The oldest engines that know `light-dark()`: the whole theme rests on it, so it must reach
// the stylesheet as written.
const ENGINES = ['chrome123', 'safari17.5'];

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  build: {
    target: ENGINES,
    cssTarget: ENGINES,
    outDir: 'dist',
    emptyOutDir: true,
    // A data: font or image would need another hole in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['tests/setup.ts'],
    include: ['tests/**/*.test.ts'],
  },
});
