// Browser tests: Debian's Chromium against a real server with the demo data (tests/global-setup.ts).
import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  globalSetup: './tests/global-setup.ts',
  fullyParallel: true,
  workers: 2,
  forbidOnly: process.env['CI'] === 'true',
  // Only a test that hangs takes this long, in milliseconds.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  reporter: process.env['CI'] === 'true' ? 'list' : 'dot',
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium' },
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'Europe/Lisbon',
    trace: 'off',
  },
})
