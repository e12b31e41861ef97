// Makes the host's refuel function into something a Wasm global can hold. It decides nothing about fuel.

// A funcref global takes functions exported by Wasm only, not a Suspending wrapper, so a small module imports the wrapper and exports a
// function that calls it. A suspension costs microseconds, so that function asks first, without one, whether the guest may go on as it is:
// (func (import "h" "e") (result i32)) (func (import "h" "r")) (func (export "r") call 0 i32.eqz if call 1 end).
const TRAMPOLINE: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x08, 0x02, 0x60, 0x00, 0x01, 0x7f, 0x60, 0x00, 0x00],
  ...[0x02, 0x0d, 0x02, 0x01, 0x68, 0x01, 0x65, 0x00, 0x00, 0x01, 0x68, 0x01, 0x72, 0x00, 0x01],
  ...[0x03, 0x02, 0x01, 0x01],
  ...[0x07, 0x05, 0x01, 0x01, 0x72, 0x00, 0x02],
  ...[0x0a, 0x0c, 0x01, 0x0a, 0x00, 0x10, 0x00, 0x45, 0x04, 0x40, 0x10, 0x01, 0x0b, 0x0b],
);

let compiled: WebAssembly.Module | undefined;

/**
 * Wraps `refuel` for the REFUEL_EXPORT global of an instance. It is called when the fuel is negative or a cold call follows: it must leave the
 * FUEL_EXPORT global at zero or above for the guest to go on, and negative for it to trap. The guest is suspended while
 * the promise is pending, so it must have been entered through WebAssembly.promising; otherwise, and whenever `refuel`
 * throws or rejects, the guest traps and cannot catch it. A promise that never settles leaks the suspended guest.
 * `extend` is called before it, without suspending: when it answers true it has refilled the global itself.
 */
export function createRefuel(refuel: () => Promise<void> | void, extend: () => boolean = () => false): () => unknown {
  compiled ??= new WebAssembly.Module(TRAMPOLINE);
  const instance = new WebAssembly.Instance(compiled, { h: { e: extend, r: new WebAssembly.Suspending(refuel) } });
  const exported = instance.exports.r;
  if (typeof exported !== "function") throw new TypeError("the refuel trampoline exports no function");
  return exported;
}
