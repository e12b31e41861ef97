import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build-plugins.setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["host/**/*.ts"],
      // Runs in a worker thread, a process of its own or as a command of its own, where coverage does not look; the end-to-end tests run both.
      exclude: ["host/cell/{thread,process,admission}-main.ts", "host/cli/**"],
      thresholds: { lines: 85, "host/core/**": { lines: 95 }, "host/engine/**": { lines: 95 } },
    },
  },
});

export default config;
