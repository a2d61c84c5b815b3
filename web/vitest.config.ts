// Unit tests of modules that need no browser. The time zone is fixed, so that local times are the same everywhere.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['unit/**/*.test.{ts,tsx}'],
    setupFiles: ['unit/setup.ts'],
    env: { TZ: 'Europe/Lisbon' },
    // Only a test that hangs takes this long, in milliseconds.
    testTimeout: 60_000,
  },
})
