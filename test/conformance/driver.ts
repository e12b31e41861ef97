// Drives one instance through the Engine port, with a pacer that counts slices instead of looking at a clock.

import { HostError } from "../../host/core/errors.ts";
import type { LogLevel } from "../../host/core/ports/log.ts";
import type { Bytes, Limits, TurnInput } from "../../host/core/types.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import type { Engine, GuestInstance, GuestResult } from "../../host/engine/engine.ts";
import type { CellScope, CellStorage } from "../../host/engine/guest/cell-functions.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { fakeClock } from "../support/fake-clock.ts";

const SLICE_FUEL = 1_000;
const MAX_SLICES = 1_000;

/** For guests that store nothing. */
const NO_STORAGE: CellStorage = {
  get: () => undefined,
  set: () => {},
  delete: () => false,
  getMany: (keys) => keys.map(() => undefined),
  apply: () => {},
  keys: () => [],
  getVersioned: () => undefined,
  commit: () => ({ committed: true, version: 0 }),
  scan: () => ({ entries: [], next: undefined }),
  changes: () => [],
  close: () => {},
};

export interface GuestOptions {
  readonly limits?: Partial<Limits>;
  readonly config?: Readonly<Record<string, string>>;
  /** Answers what is placed in the host. */
  readonly askHost?: (functionName: string, args: readonly Bytes[]) => Promise<Bytes>;
}

export interface Guest {
  readonly instance: GuestInstance;
  readonly logged: readonly (readonly [LogLevel, string])[];
  /** Slices granted because the one before ran dry. */
  readonly refuels: number;
  run(entryPoint: string, input?: TurnInput): Promise<GuestResult>;
}

/** Admits and compiles a module; each call of what it resolves with makes an instance. */
export async function prepare(engine: Engine, wasm: Uint8Array<ArrayBuffer>, options: GuestOptions = {}): Promise<() => Guest> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const compiled = await engine.compile(admitPlugin(wasm, limits).module);
  return () => {
    const logged: [LogLevel, string][] = [];
    let slices = 0;
    let refuels = 0;
    const scope: CellScope = {
      storage: NO_STORAGE,
      config: options.config ?? {},
      clock: fakeClock(),
      limits,
      caller: { kind: "adapter", name: "test" },
      log: (level, message) => logged.push([level, message]),
      reportFault: (fault) => {
        throw fault;
      },
    };
    const instance = compiled.instantiate({
      plugin: "guest",
      limits,
      scope,
      askHost: options.askHost ?? (() => Promise.reject(new Error("the guest asked the host"))),
      pacer: {
        extend: () => 0,
        overrun: () => 0,
        async refuel() {
          refuels += 1;
          slices += 1;
          if (slices < MAX_SLICES) return SLICE_FUEL;
          instance.doom(new HostError("cpu-exhausted", `the guest used ${MAX_SLICES} slices`));
          return -1;
        },
        overdue: () => false,
        wait: (answer) => answer,
      },
    });
    return {
      instance,
      logged,
      get refuels() {
        return refuels;
      },
      run(entryPoint, input = "") {
        slices = 0;
        return new Promise((resolve) => instance.run(entryPoint, input, SLICE_FUEL, resolve));
      },
    };
  };
}

export async function start(engine: Engine, wasm: Uint8Array<ArrayBuffer>, options?: GuestOptions): Promise<Guest> {
  return (await prepare(engine, wasm, options))();
}
