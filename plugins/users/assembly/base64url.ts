// Base64 as JSON Web Tokens write it (RFC 4648 section 5), without padding.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export function encodeBase64Url(bytes: Uint8Array): string {
  const letters = new Uint8Array((bytes.length * 4 + 2) / 3);
  let held: u32 = 0;
  let bits = 0;
  let to = 0;
  for (let i = 0; i < bytes.length; i++) {
    held = (held << 8) | bytes[i];
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      letters[to++] = <u8>ALPHABET.charCodeAt((held >> bits) & 63);
    }
  }
  if (bits > 0) letters[to++] = <u8>ALPHABET.charCodeAt((held << (6 - bits)) & 63);
  return String.UTF8.decode(letters.buffer);
}

/** Null for what is none. */
export function decodeBase64Url(text: string): Uint8Array | null {
  if ((text.length & 3) == 1) return null;
  const bytes = new Uint8Array((text.length * 3) >> 2);
  let held: u32 = 0;
  let bits = 0;
  let to = 0;
  for (let i = 0; i < text.length; i++) {
    const six = ALPHABET.indexOf(text.charAt(i));
    if (six < 0) return null;
    held = (held << 6) | <u32>six;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[to++] = <u8>(held >> bits);
  }
  // One text for each bytes.
  return held & ((1 << bits) - 1) ? null : bytes;
}
