import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Tests of what only computes: they change nothing of their process, so files share one, and load each module once. */
const COMPUTING = [
  'test/{editor,grammar}/**/*.test.ts',
  'test/codegen/{bytecode,classify}/**/*.test.ts',
  'test/src/{evaluate,intents,lint,packet,query,report,space,terminal}/**/*.test.ts',
];

export default defineConfig({
  test: {
    // Kernel and network-namespace tests move their own thread between namespaces: they need a process each.
    pool: 'forks',
    // The default leaves a core idle, half of a machine of two.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'computing', include: COMPUTING, isolate: false } },
      { extends: true, test: { name: 'process', include: ['test/**/*.test.ts'], exclude: COMPUTING } },
    ],
  },
});
