// A cell whose entry points are JavaScript functions: for testing the core without Wasm.

import { HostError, toHostError } from "../../host/core/errors.ts";
import type { Cell, Turn } from "../../host/core/ports/cell.ts";
import { type Bytes, NO_USAGE, type PluginDefinition, type TurnInput } from "../../host/core/types.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";

/** The input of a turn is always given as bytes. */
type EntryPoint = (input: Bytes, turn: Turn) => Bytes | undefined | Promise<Bytes | undefined>;
export type Script = Readonly<Record<string, EntryPoint>>;

/** Runs the turns of each plugin one at a time, as every cell does. */
export function scriptedCell(scripts: Readonly<Record<string, Script>>): Cell & { readonly loaded: Set<string> } {
  const loaded = new Set<string>();
  const tails = new Map<string, Promise<unknown>>();
  return {
    loaded,
    ended: new Promise(() => {}),
    async load(image) {
      if (scripts[image.name] === undefined) throw new HostError("admission-refused", "no script");
      loaded.add(image.name);
    },
    run(turn) {
      const result = (tails.get(turn.plugin) ?? Promise.resolve()).then(async () => {
        try {
          const output = await scripts[turn.plugin]?.[turn.entryPoint]?.(bytesOf(turn.input), turn);
          return { ok: true as const, output: output ?? new Uint8Array(0), usage: NO_USAGE };
        } catch (thrown) {
          const error = thrown instanceof HostError ? toHostError(thrown) : new HostError("plugin-failed", String(thrown));
          return { ok: false as const, error, usage: NO_USAGE };
        }
      });
      tails.set(
        turn.plugin,
        result.then((outcome) => turn.end(outcome)),
      );
    },
    async unload(plugin) {
      loaded.delete(plugin);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** A definition with nothing but what the test cares about. */
export function definition(name: string, script: Script, rest: Partial<PluginDefinition> = {}): PluginDefinition {
  return {
    name,
    version: "1.0.0",
    module: new Uint8Array(0),
    entryPoints: Object.keys(script),
    services: [],
    subscriptions: [],
    permissions: [],
    grants: [],
    dependencies: [],
    config: {},
    limits: DEFAULT_LIMITS,
    ...rest,
  };
}

const bytesOf = (input: TurnInput): Bytes => (typeof input === "string" ? utf8(input) : input);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const utf8 = (text: string): Bytes => encoder.encode(text);
export const textOf = (bytes: Bytes): string => decoder.decode(bytes);
