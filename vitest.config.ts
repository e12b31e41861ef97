import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";

/** These measure time or fill queues, which a neighbour on the same cores would spoil: each runs with nothing beside it. */
const ALONE = [
  // Kills a host after a part of the time that something took before.
  "test/admin/crash.test.ts",
  // Must not fill a plugin's queue while it is exchanged.
  "test/admin/hot-swap.test.ts",
  // CPU budgets, deadlines and shares of CPU, by the clock.
  "test/cell/cells.test.ts",
  "test/cell/isolation.test.ts",
  "test/cell/limits.test.ts",
  "test/e2e/chain.test.ts",
  "test/engine/component/hostile.test.ts",
  "test/engine/component/hostile-http.test.ts",
  // A cell that is silent for so long is dead, and idle for so long asleep.
  "test/cell/managed-cell.test.ts",
  "test/cell/process-cell.test.ts",
  // How long neighbours and the host stand still under each attack.
  "test/hostile/suite.test.ts",
];

const config: ViteUserConfig = defineConfig({
  test: {
    globalSetup: ["test/build.setup.ts"],
    setupFiles: ["test/children.setup.ts"],
    // For what hangs, not for what a busy machine makes slow.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: ALONE,
          // Vitest leaves one core free, which on two cores is half of the machine.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
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
