// wasi:clocks and wasi:random: the cell's clock and Node's cryptographic generator, also where something weaker would do.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import { FREE_BYTES } from "../guest/cell-functions.ts";
import { fillRandom } from "../guest/random.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { Pollable } from "./wasi-poll.ts";

const MAX_RANDOM_BYTES = 1024 * 1024;
const NS_PER_MS = 1_000_000;
const RESOLUTION_NS = 1_000;

export function wasiClocks(host: ComponentHost): Interfaces {
  const { clock } = host.environment.scope;
  const free =
    <T>(answer: () => T) =>
    (): T => {
      host.free();
      return answer();
    };
  const readyAt = (ms: number): Pollable => {
    host.count();
    return new Pollable(host, ms);
  };
  return {
    "wasi:clocks/monotonic-clock": {
      now: free(() => BigInt(Math.floor(clock.monotonicMs() * NS_PER_MS))),
      resolution: free(() => BigInt(RESOLUTION_NS)),
      subscribeInstant: (ns: bigint) => readyAt(Number(ns) / NS_PER_MS),
      subscribeDuration: (ns: bigint) => readyAt(clock.monotonicMs() + Number(ns) / NS_PER_MS),
    },
    "wasi:clocks/wall-clock": {
      now: free(() => {
        const ms = Math.floor(clock.now());
        return { seconds: BigInt(Math.floor(ms / 1_000)), nanoseconds: (ms % 1_000) * NS_PER_MS };
      }),
      resolution: free(() => ({ seconds: 0n, nanoseconds: NS_PER_MS })),
    },
  };
}

export function wasiRandom(host: ComponentHost): Interfaces {
  const bytes = (length: bigint): Bytes => {
    if (length > BigInt(FREE_BYTES)) host.count();
    else host.free();
    if (length > BigInt(MAX_RANDOM_BYTES)) {
      const message = `${host.environment.plugin} asks for ${length} random bytes; the limit is ${MAX_RANDOM_BYTES} a call`;
      host.control.doom(new HostError("plugin-failed", message));
      throw new WebAssembly.RuntimeError("ended by the host");
    }
    const made = new Uint8Array(Number(length));
    fillRandom(host.environment.scope, made);
    return made;
  };
  const u64 = (): bigint => {
    host.free();
    const made = new Uint8Array(8);
    fillRandom(host.environment.scope, made);
    return new DataView(made.buffer).getBigUint64(0, true);
  };
  return {
    "wasi:random/random": { getRandomBytes: bytes, getRandomU64: u64 },
    "wasi:random/insecure": { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 },
    "wasi:random/insecure-seed": { insecureSeed: () => [u64(), u64()] },
  };
}
