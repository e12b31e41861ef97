// The least that a call can be: an echo entered through `WebAssembly.promising`, with two imports that copy in bulk. No meter, no limits, no host.

import { wat } from "../support/wat.ts";

const MODULE = `(module
  (import "bare" "read" (func $read (param i32)))
  (import "bare" "write" (func $write (param i32 i32)))
  (memory (export "memory") 2)
  (func (export "echo") (param i32)
    (call $read (i32.const 1024))
    (call $write (i32.const 1024) (local.get 0))))`;

export async function bareEcho(): Promise<(input: Uint8Array) => Promise<Uint8Array>> {
  let input: Uint8Array = new Uint8Array(0);
  let output: Uint8Array = new Uint8Array(0);
  let memory = new Uint8Array(0);
  const read = (to: number): void => memory.set(input, to);
  const write = (from: number, length: number): void => {
    output = memory.slice(from, from + length);
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(await wat(MODULE)), { bare: { read, write } });
  if (!(exports.memory instanceof WebAssembly.Memory)) throw new Error("the bare echo has no memory");
  memory = new Uint8Array(exports.memory.buffer);
  const enter = WebAssembly.promising(exports.echo);
  return async (bytes) => {
    input = bytes;
    await enter(bytes.length);
    return output;
  };
}
