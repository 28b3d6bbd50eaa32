import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Kernel and network-namespace tests move their own thread between namespaces: they need a process each.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
