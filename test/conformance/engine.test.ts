// Both engines under the one suite, and what is the extism engine's alone.

import { describe, expect, it } from "vitest";
import { createExtismEngine } from "../../host/engine/extism.ts";
import { meteredEngine } from "../../host/engine/metered.ts";
import { testEngine } from "./engine.ts";

testEngine("metered", () => meteredEngine);
testEngine("extism", () => createExtismEngine());

describe("the extism engine", () => {
  it("says what to install when its package is missing", async () => {
    const missing = () => Promise.reject(new Error("Cannot find package '@extism/extism'"));
    await expect(createExtismEngine(missing)).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("npm install @extism/extism@2.0.0-rc13"),
    });
  });
});
