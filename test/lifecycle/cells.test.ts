// Which cell a plugin gets, and when it gets none.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_HARDENING } from "../../host/cell/outside/hardening.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Cells } from "../../host/lifecycle/cells.ts";
import { storageOf } from "../../host/lifecycle/storage.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const readModule = async (): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array();

describe("the cells of a host", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("are shared as the settings say, and none is made once the host has stopped", async () => {
    const configuration = parseConfiguration("{}", join(folder.path, "bulkhead.json"));
    const storage = storageOf(configuration);
    const cells = new Cells({ configuration, hardening: NO_HARDENING, clock: systemClock, log: memoryLog(), readModule });
    const of = async (name: string, settings: Parameters<Cells["get"]>[1], chosen = storage): Promise<unknown> => {
      await cells.get(name, settings, chosen);
      return cells.of(name);
    };
    const one = await of("a", { isolation: "process", cell: "both" });
    expect(await of("b", { isolation: "process", cell: "both" })).toBe(one);
    expect(await of("b", { isolation: "process", cell: undefined })).not.toBe(one);
    // What keeps its data elsewhere does not get the files of those who keep them here.
    for (const driver of ["memory", "memory-remote"])
      expect(await of("b", { isolation: "process", cell: "both" }, storageOf(configuration, "b", { storage: driver }))).not.toBe(one);
    await cells.close();
    for (const isolation of ["inline", "thread", "process"] as const)
      await expect(cells.get("late", { isolation, cell: undefined }, storage)).rejects.toThrow(/the host has stopped/);
  });
});
