// Where a guest's randomness comes from, by whatever interface it asks: Node's cryptographic generator, also where something weaker would do.

export interface Randomness {
  /** Takes the place of Node's generator: only where a test wants the same numbers each time. */
  readonly fillRandom?: ((bytes: Uint8Array) => void) | undefined;
}

/** Web Crypto fills no more at once. */
const CHUNK_BYTES = 65_536;

/** Fills the bytes, of any number; how many a guest may ask for is its interface's to say. */
export function fillRandom({ fillRandom: fill }: Randomness, bytes: Uint8Array<ArrayBuffer>): void {
  if (fill !== undefined) return fill(bytes);
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) crypto.getRandomValues(bytes.subarray(i, i + CHUNK_BYTES));
}
