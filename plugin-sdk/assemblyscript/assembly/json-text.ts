// The escapes within JSON strings.

import { decodeUtf8, encodeInto } from "./memory";

/** The text of a string that json-reader.ts has checked. A lone surrogate becomes U+FFFD, as it would on its way out. */
export function unescape(bytes: StaticArray<u8>, start: i32, end: i32): string {
  const plain = new StaticArray<u8>(end - start);
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = unchecked(bytes[i]);
    if (byte != 0x5c) {
      unchecked((plain[length++] = byte));
      continue;
    }
    const kind = unchecked(bytes[++i]);
    if (kind != 0x75) {
      unchecked((plain[length++] = <u8>simpleEscape(kind)));
      continue;
    }
    let code = hex4(bytes, i + 1);
    i += 4;
    if ((code & 0xf800) == 0xd800) {
      const paired = code < 0xdc00 && i + 6 < end && unchecked(bytes[i + 1]) == 0x5c && unchecked(bytes[i + 2]) == 0x75;
      const low = paired ? hex4(bytes, i + 3) : 0;
      if ((low & 0xfc00) == 0xdc00) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        i += 6;
      } else code = 0xfffd;
    }
    length += encodeInto(plain, length, String.fromCodePoint(code));
  }
  return decodeUtf8(plain, 0, length);
}

function hex4(bytes: StaticArray<u8>, at: i32): i32 {
  let unit = 0;
  for (let i = at; i < at + 4; i++) unit = (unit << 4) | hexValue(unchecked(bytes[i]));
  return unit;
}

/** -1 for what is no hexadecimal digit. */
export function hexValue(byte: u8): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The character of a two-character escape, 0 for what is none. */
export function simpleEscape(kind: u8): i32 {
  if (kind == 0x22 || kind == 0x5c || kind == 0x2f) return kind;
  if (kind == 0x62) return 0x08;
  if (kind == 0x66) return 0x0c;
  if (kind == 0x6e) return 0x0a;
  if (kind == 0x72) return 0x0d;
  return kind == 0x74 ? 0x09 : 0;
}
