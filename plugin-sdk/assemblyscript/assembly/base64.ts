// Base64 as RFC 4648 section 4 writes it, for bytes inside of JSON.

const NO_LETTER: u32 = 64;

/** The bytes, or null when the text is not base64. Padding may be left out. */
export function decodeBase64(text: string): Uint8Array | null {
  let length = text.length;
  while (length && text.charCodeAt(length - 1) == 0x3d) length--;
  if ((length & 3) == 1 || text.length - length > 2) return null;
  const bytes = new Uint8Array((length * 3) >> 2);
  let bits: u32 = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    const six = sextet(text.charCodeAt(i));
    if (six == NO_LETTER) return null;
    bits = (bits << 6) | six;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = <u8>(bits >> held);
  }
  return bytes;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes: Uint8Array): string {
  const length = bytes.length;
  const letters = new Uint8Array(((length + 2) / 3) * 4);
  for (let from = 0, to = 0; from < length; from += 3) {
    const left = length - from;
    const bits = (<u32>bytes[from] << 16) | (left > 1 ? <u32>bytes[from + 1] << 8 : 0) | (left > 2 ? <u32>bytes[from + 2] : 0);
    letters[to++] = <u8>ALPHABET.charCodeAt(bits >> 18);
    letters[to++] = <u8>ALPHABET.charCodeAt((bits >> 12) & 63);
    letters[to++] = left > 1 ? <u8>ALPHABET.charCodeAt((bits >> 6) & 63) : 0x3d;
    letters[to++] = left > 2 ? <u8>ALPHABET.charCodeAt(bits & 63) : 0x3d;
  }
  return String.UTF8.decode(letters.buffer);
}

function sextet(unit: i32): u32 {
  if (unit >= 0x41 && unit <= 0x5a) return unit - 0x41;
  if (unit >= 0x61 && unit <= 0x7a) return unit - 0x61 + 26;
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30 + 52;
  return unit == 0x2b ? 62 : unit == 0x2f ? 63 : NO_LETTER;
}
