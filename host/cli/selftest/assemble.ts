// Puts Wasm binaries together byte by byte, valid or not. It knows no attack.

export type Bytes = readonly number[];

export const I32 = 0x7f;
export const FUNCREF = 0x70;
export const END = 0x0b;
const HEADER: Bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const COMPONENT_HEADER: Bytes = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Bytes put together piece by piece; arrays of millions of numbers would not do as arguments. */
class Piece {
  readonly #chunks: Uint8Array[] = [];
  length = 0;

  add(...pieces: readonly (Bytes | Piece)[]): this {
    for (const piece of pieces) {
      const chunk = piece instanceof Piece ? piece.bytes() : Uint8Array.from(piece);
      this.#chunks.push(chunk);
      this.length += chunk.length;
    }
    return this;
  }

  repeat(times: number, bytes: Bytes): this {
    const chunk = new Uint8Array(bytes.length * times);
    for (let i = 0; i < times; i += 1) chunk.set(bytes, i * bytes.length);
    this.#chunks.push(chunk);
    this.length += chunk.length;
    return this;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

export const piece = (): Piece => new Piece();
export const sized = (content: Piece): Piece => piece().add(leb(content.length), content);
export const section = (id: number, content: Piece): Piece => piece().add([id], sized(content));
export const module = (...sections: readonly Piece[]): Uint8Array<ArrayBuffer> =>
  piece()
    .add(HEADER, ...sections)
    .bytes();
export const component = (...sections: readonly Piece[]): Uint8Array<ArrayBuffer> =>
  piece()
    .add(COMPONENT_HEADER, ...sections)
    .bytes();
/** A section of so many times the same. */
export const many = (id: number, count: number, bytes: Bytes): Piece => section(id, piece().add(leb(count)).repeat(count, bytes));
export const oneType: Piece = section(1, piece().add([1, 0x60, 0, 0]));

/** A module with one function: its local variables, then its code. */
export function withBody(locals: number, code: Piece): Uint8Array<ArrayBuffer> {
  const declared = locals === 0 ? [0] : [1, ...leb(locals), I32];
  const body = sized(piece().add(declared, code, [END]));
  return module(oneType, section(3, piece().add([1, 0])), section(10, piece().add([1], body)));
}

export const nested = (depth: number, opening: Bytes): Piece => piece().repeat(depth, opening).repeat(depth, [END]);
export const BLOCK: Bytes = [0x02, 0x40];
export const LOOP: Bytes = [0x03, 0x40];
export const ZERO: Bytes = [0x41, 0];
export const NOP: Bytes = [0x01];

/** A module with so many functions of this body. */
export const withBodies = (functions: number, body: Piece): Uint8Array<ArrayBuffer> =>
  module(
    oneType,
    section(3, piece().add(leb(functions)).repeat(functions, [0])),
    section(10, piece().add(leb(functions), ...Array.from({ length: functions }, () => body))),
  );
