// Puts modules together from bytes, for tests of what no text format can express. It checks nothing.

export type Bytes = readonly (number | Bytes)[];

export function leb(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...out, rest];
}

export function sized(content: Bytes): number[] {
  const bytes = flat(content);
  return [...leb(bytes.length), ...bytes];
}

export function vector(items: readonly Bytes[]): number[] {
  return [...leb(items.length), ...items.flatMap((item) => flat(item))];
}

export function text(value: string): number[] {
  return sized([...new TextEncoder().encode(value)]);
}

export function section(id: number, content: Bytes): number[] {
  return [id, ...sized(content)];
}

export function wasm(...sections: Bytes[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...flat(sections)]);
}

/** A body without locals; `code` lacks the final `end`. */
export function body(...code: Bytes): number[] {
  return sized([0, code, 0x0b]);
}

function flat(bytes: Bytes): number[] {
  // One loop, as spreading hundreds of thousands of bytes into arguments overflows the stack.
  const out: number[] = [];
  for (const item of bytes) {
    if (typeof item === "number") out.push(item);
    else for (const byte of flat(item)) out.push(byte);
  }
  return out;
}
