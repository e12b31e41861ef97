// UTF-8, which QuickJS has no classes for: those of the web's encoding standard, for UTF-8 only.

export class TextEncoder {
  readonly encoding = "utf-8";

  encode(text = ""): Uint8Array {
    const bytes = new Uint8Array(text.length * 3);
    let length = 0;
    for (let i = 0; i < text.length; i += 1) {
      let code = text.charCodeAt(i);
      if (code < 0x80) {
        bytes[length++] = code;
        continue;
      }
      if (code >= 0xd800 && code <= 0xdfff) {
        const low = text.charCodeAt(i + 1);
        const isPair = code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
        code = isPair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
        if (isPair) i += 1;
      }
      if (code < 0x800) bytes[length++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x10000) bytes[length++] = 0xe0 | (code >> 12);
        else {
          bytes[length++] = 0xf0 | (code >> 18);
          bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
        }
        bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
      }
      bytes[length++] = 0x80 | (code & 0x3f);
    }
    return bytes.slice(0, length);
  }
}

const CHUNK = 8_192;
/** The least code point of a sequence by its length; below it the sequence is longer than it may be. */
const LEAST = [0, 0, 0x80, 0x800, 0x10000];

export class TextDecoder {
  readonly encoding = "utf-8";
  readonly fatal: boolean;

  constructor(label = "utf-8", { fatal = false }: { readonly fatal?: boolean } = {}) {
    if (label !== "utf-8" && label !== "utf8") throw new RangeError(`the encoding ${label} is not there; utf-8 is`);
    this.fatal = fatal;
  }

  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    let text = "";
    let units: number[] = [];
    let i = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    while (i < bytes.length) {
      const first = bytes[i] ?? 0;
      const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
      let code = length === 1 ? first : first & (0x7f >> length);
      let used = 1;
      while (used < length && ((bytes[i + used] ?? 0) & 0xc0) === 0x80) {
        code = (code << 6) | ((bytes[i + used] ?? 0) & 0x3f);
        used += 1;
      }
      if (length === 0 || used < length || code < (LEAST[length] ?? 0) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        if (this.fatal) throw new TypeError("the bytes are not valid UTF-8");
        code = 0xfffd;
      }
      i += used;
      if (code >= 0x10000) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
      else units.push(code);
      if (units.length >= CHUNK) {
        text += String.fromCharCode(...units);
        units = [];
      }
    }
    return text + String.fromCharCode(...units);
  }
}
