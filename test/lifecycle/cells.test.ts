// Which cell a plugin gets, and when it gets none.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_HARDENING } from "../../host/cell/outside/hardening.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Cells } from "../../host/lifecycle/cells.ts";
import { chooseStorage } from "../../host/lifecycle/drivers.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

describe("the cells of a host", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("are shared as the settings say, and none is made once the host has stopped", async () => {
    const configuration = parseConfiguration("{}", join(folder.path, "bulkhead.json"));
    const storage = await chooseStorage(configuration);
    const cells = new Cells({ configuration, hardening: NO_HARDENING, clock: systemClock, log: memoryLog(), storage });
    const one = cells.get("a", { isolation: "process", cell: "both" });
    expect(cells.get("b", { isolation: "process", cell: "both" })).toBe(one);
    expect(cells.get("b", { isolation: "process", cell: undefined })).not.toBe(one);
    await cells.close();
    for (const isolation of ["inline", "thread", "process"] as const)
      expect(() => cells.get("late", { isolation, cell: undefined })).toThrowError(/the host has stopped/);
  });
});
