// The same for Extism, written with its own SDK.

import { Host } from "@extism/as-pdk";

@external("extism:host/user", "config_value")
declare function config_value(key: u64): u64;

export function abortHandler(message: string | null, file: string | null, line: u32, column: u32): void {}

export function echo(): i32 {
  Host.output(Host.input());
  return 0;
}

export function ask(): i32 {
  const times = <i32>parseInt(Host.inputString());
  let sum: u64 = 0;
  for (let i = 0; i < times; i++) sum += config_value(0);
  Host.outputString(sum.toString());
  return 0;
}

export function on_event(): i32 {
  Host.input();
  return 0;
}

export function spin(): i32 {
  let i: u32 = 0;
  while (true) i++;
  return 0;
}

export function hoard(): i32 {
  const kept: Uint8Array[] = [];
  while (true) kept.push(new Uint8Array(65536).fill(1));
  return 0;
}
