// When a plugin's storage is opened: in a process before V8 sees the guest, elsewhere when it is first used.

import { describe, expect, it } from "vitest";
import { Executor } from "../../host/cell/inside/executor.ts";
import { lazyStorage } from "../../host/cell/inside/lazy-storage.ts";
import type { FromCell, ToCell } from "../../host/cell/wire/protocol.ts";
import { HostError } from "../../host/core/errors.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { settle } from "../support/fake-clock.ts";
import { memoryDriver } from "../support/memory-storage.ts";

describe("a plugin's storage", () => {
  const load = async (compile: () => Promise<never>): Promise<{ steps: string[]; sent: FromCell[] }> => {
    const steps: string[] = [];
    const sent: FromCell[] = [];
    let deliver: (message: ToCell) => void = () => {};
    new Executor({
      channel: {
        send: (message) => sent.push(message),
        flush: () => {},
        close: () => {},
        receive: (handler) => {
          deliver = handler;
        },
      },
      engine: async () => ({
        compile: () => {
          steps.push("compile");
          return compile();
        },
      }),
      clock: systemClock,
      openStorage: () => {
        steps.push("open");
        return { ...memoryDriver(), close: () => void steps.push("close") };
      },
      onClose: () => {},
    });
    const image = { name: "p", module: new Uint8Array(8), entryPoints: [], limits: DEFAULT_LIMITS, config: {} };
    deliver({ kind: "load", id: 1, image });
    await settle();
    return { steps, sent };
  };

  it("is opened before the guest is compiled, and closed when that fails", async () => {
    const { steps, sent } = await load(() => Promise.reject(new HostError("plugin-failed", "no")));
    expect(steps).toEqual(["open", "compile", "close"]);
    expect(sent).toMatchObject([{ kind: "acknowledged", error: { code: "plugin-failed" } }]);
  });

  it("is opened at its first use where that is enough, once, and tried again when it failed", () => {
    let opened = 0;
    const storage = lazyStorage(() => {
      opened += 1;
      if (opened === 1) throw new HostError("storage-failed", "not yet");
      return memoryDriver();
    });
    storage.close();
    expect(opened).toBe(0);
    expect(() => storage.get("a")).toThrow("not yet");
    storage.set("a", Uint8Array.of(1));
    storage.commit({ checks: [], changes: [{ key: "b", value: Uint8Array.of(2), ttlMs: undefined }] });
    expect([storage.get("a"), storage.keys({ prefix: "", after: undefined, limit: 9 }), storage.set("a", undefined), opened]).toEqual([
      Uint8Array.of(1),
      ["a", "b"],
      true,
      2,
    ]);
    storage.close();
  });
});
