// wasmtime: a host of its own, in Rust (wasmtime/), that does what child.ts does. Built below .cache/ when it is first measured, which takes minutes.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CPU_MS, MEASURE_MS, MEMORY_MIB, REST_MS, SETTLE_MS, WARM_UP_TURNS } from "./subject.ts";

const MANIFEST = fileURLToPath(new URL("./wasmtime/Cargo.toml", import.meta.url));
const TARGET = fileURLToPath(new URL("../../../.cache/neighbours/wasmtime", import.meta.url));

export function buildWasmtime(): void {
  execFileSync("cargo", ["build", "--quiet", "--release", "--locked", "--manifest-path", MANIFEST, "--target-dir", TARGET], {
    stdio: "inherit",
  });
}

/** Command and arguments of one measurement. */
export function wasmtimeCommand(attack: string, hostile: number): string[] {
  const numbers = [hostile, CPU_MS, MEMORY_MIB, WARM_UP_TURNS, SETTLE_MS, MEASURE_MS, REST_MS];
  return [`${TARGET}/release/neighbour-wasmtime`, attack, ...numbers.map(String)];
}
