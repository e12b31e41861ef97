// Base64 as RFC 4648 section 4 writes it, for the data of events that are not JSON. The host wrote the text, so it is trusted.

export function decodeBase64(text: string): Uint8Array {
  let length = text.length;
  while (length && text.charCodeAt(length - 1) == 0x3d) length--;
  const bytes = new Uint8Array((length * 3) >> 2);
  let bits: u32 = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    bits = (bits << 6) | sextet(text.charCodeAt(i));
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = <u8>(bits >> held);
  }
  return bytes;
}

function sextet(unit: i32): u32 {
  if (unit >= 0x41 && unit <= 0x5a) return unit - 0x41;
  if (unit >= 0x61 && unit <= 0x7a) return unit - 0x61 + 26;
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30 + 52;
  return unit == 0x2b ? 62 : 63;
}
