// Extism itself, in its foreground, with a module as its author built it: what the engines are compared with.

import { createPlugin } from "@extism/extism";
import type { LogLevel } from "../../host/core/ports/log.ts";
import type { GuestResult } from "../../host/engine/engine.ts";

/** How a call ended, in words that both sides share. */
export type Heard = { readonly said: string } | { readonly failed: string } | "trapped";

export interface Listener {
  readonly logged: readonly (readonly [LogLevel, string])[];
  call(entryPoint: string, input: string): Promise<Heard>;
}

const decoder = new TextDecoder();

/** A failure without words of the guest's own is a trap. */
export function heard(result: GuestResult): Heard {
  if (result.ok) return { said: decoder.decode(result.output) };
  return result.message.includes(" trapped: ") || result.code === "memory-exhausted" ? "trapped" : { failed: result.message };
}

export async function startOracle(wasm: Uint8Array<ArrayBuffer>, config: Readonly<Record<string, string>> = {}): Promise<Listener> {
  const logged: [LogLevel, string][] = [];
  const writer =
    (level: LogLevel) =>
    (text: string): void => {
      logged.push([level, text]);
    };
  // Its trace is our debug, as docs/abi.md says.
  const levels = { trace: writer("debug"), debug: writer("debug"), info: writer("info"), warn: writer("warning"), error: writer("error") };
  const plugin = await createPlugin(
    { wasm: [{ data: wasm }] },
    { config: { ...config }, logger: Object.assign(Object.create(console), levels), logLevel: "trace", useWasi: false },
  );
  return {
    logged,
    async call(entryPoint, input) {
      try {
        return { said: (await plugin.call(entryPoint, input))?.text() ?? "" };
      } catch (thrown) {
        const said = thrown instanceof Error ? /^Plugin-originated error: (.*)$/s.exec(thrown.message)?.[1] : undefined;
        return said === undefined ? "trapped" : { failed: said };
      }
    },
  };
}
