// Makes the host's refuel function into something a Wasm global can hold. It decides nothing about fuel.

// A funcref global takes functions exported by Wasm only, not a Suspending wrapper, so a module of 42 bytes imports the
// wrapper and exports it again: (func (import "h" "r")) (export "r" (func 0)).
const TRAMPOLINE: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x02, 0x07, 0x01, 0x01, 0x68, 0x01, 0x72, 0x00, 0x00],
  ...[0x07, 0x05, 0x01, 0x01, 0x72, 0x00, 0x00],
);

let compiled: WebAssembly.Module | undefined;

/**
 * Wraps `refuel` for the REFUEL_EXPORT global of an instance. It is called when the fuel is negative: it must leave the
 * FUEL_EXPORT global at zero or above for the guest to go on, and negative for it to trap. The guest is suspended while
 * the promise is pending, so it must have been entered through WebAssembly.promising; otherwise, and whenever `refuel`
 * throws or rejects, the guest traps and cannot catch it. A promise that never settles leaks the suspended guest.
 */
export function createRefuel(refuel: () => Promise<void> | void): () => unknown {
  compiled ??= new WebAssembly.Module(TRAMPOLINE);
  const instance = new WebAssembly.Instance(compiled, { h: { r: new WebAssembly.Suspending(refuel) } });
  const exported = instance.exports.r;
  if (typeof exported !== "function") throw new TypeError("the refuel trampoline exports no function");
  return exported;
}
