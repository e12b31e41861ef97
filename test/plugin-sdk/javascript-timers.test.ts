// What the SDK for JavaScript gives in place of a browser's timers: they run before the turn ends, and none outlives its turn.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPlugin } from "../../host/cli/build.ts";
import { makePlugin } from "../../host/cli/new.ts";
import { loadPlugin, type TestPlugin } from "../../host/testing/index.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

const SOURCE = `import { plugin } from "@bulkhead/sdk";

export const entryPoints = plugin({
  services: {
    inOrder() {
      setTimeout(() => console.log("third"), 40_000);
      setTimeout(() => console.log("second"), 10_000);
      clearTimeout(setTimeout(() => console.log("never"), 0));
      let left = 2;
      const every = setInterval(() => {
        console.log("tick");
        left -= 1;
        if (left === 0) clearInterval(every);
      }, 30_000);
      console.log("first");
    },
    fails() {
      setTimeout(() => console.log("too late"), 0);
      throw new Error("before its timer");
    },
    failsLater() {
      setTimeout(() => { throw new Error("in its timer"); }, 0);
      setTimeout(() => console.log("too late"), 1);
    },
  },
});
`;

const folder = temporaryFolder();
let plugin: TestPlugin;

beforeAll(async () => {
  const at = await makePlugin(join(folder.path, "timed"), "javascript");
  writeFileSync(join(at, "src", "index.js"), SOURCE);
  const services = Object.fromEntries(
    ["inOrder", "fails", "failsLater"].map((entryPoint) => [`timed.${entryPoint.toLowerCase()}`, { entryPoint }]),
  );
  writeFileSync(join(at, "plugin.json"), JSON.stringify({ name: "timed", version: "1.0.0", api: "0.2", wasm: "timed.wasm", services }));
  await buildPlugin(at);
  // So far apart that no stall of a busy machine between two lines of the plugin changes their order.
  plugin = await loadPlugin(at, { limits: { deadlineMs: 600_000 } });
}, 120_000);

afterAll(async () => {
  await plugin?.stop();
  folder.remove();
});

const logged = (): string[] => plugin.logged.map(({ message }) => message);

describe("timers in JavaScript", () => {
  it("run in the order in which they are due, before the turn ends", async () => {
    const answer = plugin.call("timed.inorder");
    while (logged().filter((line) => line === "tick").length < 2) await plugin.clock.advance(2_000);
    await answer;
    expect(logged()).toEqual(["first", "second", "tick", "third", "tick"]);
  });

  it("end with their turn when it fails", async () => {
    const before = logged();
    await expect(plugin.call("timed.fails")).rejects.toMatchObject({
      message: expect.stringMatching(/before its timer \(src\/index\.js:\d+\)/),
    });
    const failing = plugin.call("timed.failslater");
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining("in its timer") });
    const answer = plugin.call("timed.inorder");
    while (logged().filter((line) => line === "tick").length < 4) await plugin.clock.advance(2_000);
    await answer;
    expect(logged()).toEqual([...before, ...before]);
  });
});
