// UTF-8, which QuickJS has no classes for: those of the web's encoding standard, for UTF-8 only. An interpreter's loop over each byte is thirty times as dear
// as the engine's own functions, so they do it: base64 makes a string of bytes and bytes of a string with one unit a byte, `escape` and `encodeURIComponent`
// know UTF-8. In pieces, so that what they make in between stays small.

const PIECE = 16_384;
const HIGH_BITS = 0x80808080;
const UNITS_AT_ONCE = 8;
/** Of the longest sequence. */
const MOST_BYTES = 4;

/** What the engine has beyond the language's library in TypeScript's declarations. */
const base64Of = (bytes: Uint8Array): string => (bytes as Uint8Array & { toBase64(): string }).toBase64();
const bytesOf = (base64: string): Uint8Array => (Uint8Array as typeof Uint8Array & { fromBase64(text: string): Uint8Array }).fromBase64(base64);

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Whether all bytes are below 0x80, looked at in words of four. */
function isAscii(bytes: Uint8Array): boolean {
  const head = Math.min(bytes.length, -bytes.byteOffset & 3);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + head, (bytes.length - head) >> 2);
  let bits = 0;
  for (let i = 0; i < head; i += 1) bits |= bytes[i] ?? 0;
  for (let i = head + words.length * 4; i < bytes.length; i += 1) bits |= bytes[i] ?? 0;
  if ((bits & 0x80) !== 0) return false;
  const whole = words.length - (words.length % UNITS_AT_ONCE);
  bits = 0;
  // All that is read is below the length; an eighth of the loop's own steps.
  for (let i = 0; i < whole; i += UNITS_AT_ONCE) {
    bits |= (words[i] as number) | (words[i + 1] as number) | (words[i + 2] as number) | (words[i + 3] as number);
    bits |= (words[i + 4] as number) | (words[i + 5] as number) | (words[i + 6] as number) | (words[i + 7] as number);
  }
  for (let i = whole; i < words.length; i += 1) bits |= words[i] ?? 0;
  return (bits & HIGH_BITS) === 0;
}

function encodePiece(text: string): Uint8Array {
  try {
    const bytes = bytesOf(btoa(text));
    if (isAscii(bytes)) return bytes;
  } catch {
    // It has a unit above 0xff.
  }
  return bytesOf(btoa(unescape(encodeURIComponent(text))));
}

export class TextEncoder {
  readonly encoding = "utf-8";

  encode(text = ""): Uint8Array {
    const whole = String(text).toWellFormed();
    if (whole.length <= PIECE) return encodePiece(whole);
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let start = 0; start < whole.length; ) {
      let end = start + PIECE;
      // Between two units of one character nothing can be cut.
      if ((whole.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
      const piece = encodePiece(whole.slice(start, end));
      pieces.push(piece);
      length += piece.length;
      start = end;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}

/** The second byte's range where it is narrower than a continuation's: longer than need be, a surrogate, or beyond U+10FFFF. */
const SECOND: Readonly<Record<number, readonly [number, number]>> = { 0xe0: [0xa0, 0xbf], 0xed: [0x80, 0x9f], 0xf0: [0x90, 0xbf], 0xf4: [0x80, 0x8f] };

/** The bytes with U+FFFD in place of each maximal part that is no UTF-8, as the encoding standard has it. */
function replaced(bytes: Uint8Array): Uint8Array {
  const made: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    const [least, most] = SECOND[first] ?? [0x80, 0xbf];
    let used = 1;
    while (used < length && isContinuation(bytes[i + used])) {
      const byte = bytes[i + used] ?? 0;
      if (used === 1 && (byte < least || byte > most)) break;
      used += 1;
    }
    if (used === length) for (let k = 0; k < used; k += 1) made.push(bytes[i + k] ?? 0);
    else made.push(0xef, 0xbf, 0xbd);
    i += used;
  }
  return new Uint8Array(made);
}

function decodePiece(bytes: Uint8Array, fatal: boolean): string {
  const units = atob(base64Of(bytes));
  if (isAscii(bytes)) return units;
  try {
    return decodeURIComponent(escape(units));
  } catch {
    if (fatal) throw new TypeError("the bytes are not valid UTF-8");
    return decodeURIComponent(escape(atob(base64Of(replaced(bytes)))));
  }
}

/** Where a piece that begins at `start` ends, so that no sequence is cut. */
function pieceEnd(bytes: Uint8Array, start: number): number {
  const end = Math.min(bytes.length, start + PIECE);
  for (let back = 0; back < MOST_BYTES; back += 1) if (!isContinuation(bytes[end - back])) return end - back;
  return end;
}

export class TextDecoder {
  readonly encoding = "utf-8";
  readonly fatal: boolean;

  constructor(label = "utf-8", { fatal = false }: { readonly fatal?: boolean } = {}) {
    if (label !== "utf-8" && label !== "utf8") throw new RangeError(`the encoding ${label} is not there; utf-8 is`);
    this.fatal = fatal;
  }

  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    if (bytes.length - start <= PIECE) return decodePiece(bytes.subarray(start), this.fatal);
    const pieces: string[] = [];
    for (let at = start; at < bytes.length; ) {
      const end = pieceEnd(bytes, at);
      pieces.push(decodePiece(bytes.subarray(at, end), this.fatal));
      at = end;
    }
    return pieces.join("");
  }
}
