// The number of a module's last function, which is the meter's own in every module that was admitted (host/engine/meter/code-section.ts). Cells have no parser:
// this reads two sections and skips the rest.

const WASM = 0x6d736100;
const IMPORTS = 2;
const FUNCTIONS = 3;
const HEADER_BYTES = 8;

/** Undefined for what is no core module. */
export function lastFunctionOf(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== WASM || view.getUint32(4, true) !== 1) return undefined;
  const reader = new Sections(view, HEADER_BYTES);
  let imported = 0;
  while (reader.at < bytes.length) {
    const [id, size] = [reader.byte(), reader.number()];
    const end = reader.at + size;
    if (id === IMPORTS) imported = reader.importedFunctions();
    if (id === FUNCTIONS) return imported + reader.number() - 1;
    reader.at = end;
  }
  return undefined;
}

const [FUNCTION, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3] as const;
/** Types that are followed by what they refer to. */
const REFERENCES: ReadonlySet<number> = new Set([0x63, 0x64]);

class Sections {
  readonly #view: DataView;
  at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.at = at;
  }

  byte(): number {
    this.at += 1;
    return this.#view.getUint8(this.at - 1);
  }

  /** In LEB128; of those above 2^32, which only memories of 64 bits have here, the low half. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  importedFunctions(): number {
    let functions = 0;
    for (let left = this.number(); left > 0; left -= 1) {
      for (const _name of ["module", "field"]) {
        const length = this.number();
        this.at += length;
      }
      const kind = this.byte();
      if (kind === FUNCTION) functions += 1;
      this.#skip(kind);
    }
    return functions;
  }

  #skip(kind: number): void {
    if (kind === TABLE || kind === GLOBAL) this.#type();
    if (kind === TABLE || kind === MEMORY) this.#limits();
    else if (kind === GLOBAL) this.byte();
    else if (kind === FUNCTION) this.number();
    else {
      this.byte();
      this.number();
    }
  }

  #type(): void {
    if (REFERENCES.has(this.byte())) this.number();
  }

  #limits(): void {
    const flags = this.byte();
    this.number();
    if ((flags & 1) === 1) this.number();
  }
}
