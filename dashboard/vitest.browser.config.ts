import { defineConfig } from 'vitest/config';

// Tests in a real browser against a real server: `npm run test:browser`.
export default defineConfig({
  test: {
    include: ['tests/*.test.ts'],
    globalSetup: ['tests/support/global.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // As patient as the locators; a second is too short for a busy machine.
    expect: { poll: { timeout: 30_000 } },
    // One server and one browser a file; the machine may be a small one.
    fileParallelism: false,
  },
});
