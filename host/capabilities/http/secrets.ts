// `{{secret:NAME}}` in a header: filled in on the way out, hidden on the way back. A plugin writes the name and never sees the value.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Bytes } from "../../core/types.ts";
import type { SecretSource } from "../../seams.ts";
import { type Header, MAX_HEADER_BYTES, sizeOf } from "./request.ts";

const PLACEHOLDER = /\{\{secret:([^{}]*)\}\}/g;
const MASK = "*";

export const hasPlaceholder = ({ value }: Header): boolean => value.search(PLACEHOLDER) >= 0;

/**
 * The headers with their secrets, whose values are added to `mask`. `require` is asked for each name first. Throws HostError `permission-denied`
 * for a secret that does not exist too, so that nobody learns which do, and `invalid-message` when the headers become too large by them.
 */
export function fillIn(
  headers: readonly Header[],
  resource: string,
  secrets: SecretSource,
  require: (name: string) => void,
  mask: Mask,
): readonly Header[] {
  let bytes = headers.reduce((sum, header) => sum + sizeOf(header), 0);
  return headers.map(({ name, value }) => ({
    name,
    value: value.replaceAll(PLACEHOLDER, (placeholder, secretName: string) => {
      require(secretName);
      const secret = secrets.find(secretName);
      if (!secret?.mayGoTo(resource)) {
        const origin = resource.slice(resource.indexOf(" ") + 1).replace(/^(\w+:\/\/[^/]*).*/, "$1");
        const remedy = `"bulkhead secret set ${printable(secretName)} --to ${printable(origin)}" allows it`;
        throw new HostError("permission-denied", `the secret ${printable(secretName)} may not go to ${printable(origin)}; ${remedy}`);
      }
      mask.add(secret.value);
      bytes += secret.value.length - placeholder.length;
      if (bytes > MAX_HEADER_BYTES)
        throw new HostError("invalid-message", `the headers have more than ${MAX_HEADER_BYTES} bytes once their secrets are filled in`);
      return secret.value;
    }),
  }));
}

/** Hides the secrets of one request in whatever leaves the client: a server may echo what it was sent, and lead on to where it stands. */
export class Mask {
  readonly #values = new Set<string>();
  /** The secrets in every form that they are looked for in. */
  #forms: readonly string[] = [];

  add(value: string): void {
    if (this.#values.has(value)) return;
    this.#values.add(value);
    this.#forms = [...new Set([...this.#values].flatMap(formsOf))];
  }

  /** Overwrites every copy with asterisks. */
  hide(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isSecret = placesOf(
      this.#forms.map((form) => Buffer.from(form, "latin1")),
      text,
    );
    isSecret?.forEach((mark, at) => {
      if (mark === 1) text[at] = MASK.charCodeAt(0);
    });
  }

  /** Hides them in what comes piece by piece, also where one lies across two pieces. The secrets must be known by then. */
  veil(): Veil {
    return new Veil(this.#forms.map((form) => Buffer.from(form, "latin1")));
  }

  /** Letters of either case are the same: names of headers and of hosts come back in lower case. */
  text(text: string): string {
    const isSecret = placesOf([...new Set(this.#forms.map(lowerCased))], lowerCased(text));
    return isSecret === undefined ? text : Array.from(isSecret, (mark, at) => (mark === 1 ? MASK : text.charAt(at))).join("");
  }
}

/** Keeps back as many bytes as may be the beginning of a secret, until it knows. */
export class Veil {
  readonly #needles: readonly Buffer[];
  readonly #keptBack: number;
  /** As they came; what of them belongs to a secret that began before them is marked. */
  #rest: Buffer = Buffer.alloc(0);
  #marks: Uint8Array = new Uint8Array(0);

  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
    this.#keptBack = Math.max(0, ...needles.map(({ length }) => length - 1));
  }

  /** What may go on, for the caller to keep. */
  add(piece: Uint8Array): Bytes {
    if (this.#needles.length === 0) return piece.slice();
    const all = Buffer.concat([this.#rest, piece]);
    const marks = placesOf(this.#needles, all) ?? new Uint8Array(all.length);
    this.#marks.forEach((mark, at) => {
      if (mark === 1) marks[at] = 1;
    });
    return this.#pass(all, marks, Math.max(0, all.length - this.#keptBack));
  }

  /** The rest of it. */
  end(): Bytes {
    return this.#pass(this.#rest, this.#marks, this.#rest.length);
  }

  #pass(all: Buffer, marks: Uint8Array, length: number): Bytes {
    this.#rest = all.subarray(length);
    this.#marks = marks.subarray(length);
    const passed = new Uint8Array(all.subarray(0, length));
    for (let at = 0; at < length; at += 1) if (marks[at] === 1) passed[at] = MASK.charCodeAt(0);
    return passed;
  }
}

/** As it is and in one case, each as Latin-1, UTF-8, JSON and URLs have it. */
function formsOf(value: string): string[] {
  return [value, value.toLowerCase(), value.toUpperCase()].flatMap((text) => {
    const inUrl = encodeURIComponent(text);
    const written = [text, JSON.stringify(text).slice(1, -1), encodeURI(text), inUrl, inUrl.replace(/%../g, (code) => code.toLowerCase())];
    return written.flatMap((form) => [form, Buffer.from(form, "utf8").toString("latin1")]);
  });
}

/** Of ASCII only, so that every letter stays in its place. */
const lowerCased = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** A mark for each place that belongs to a needle, or to several; undefined where there is none. All are found in the text as it is: one may begin in another. */
function placesOf<T extends string | Buffer>(
  needles: readonly T[],
  text: { readonly length: number; indexOf(needle: T, from: number): number },
): Uint8Array | undefined {
  let marks: Uint8Array | undefined;
  for (const needle of needles) {
    let marked = 0;
    for (let at = text.indexOf(needle, 0); at >= 0; at = text.indexOf(needle, at + 1)) {
      marks ??= new Uint8Array(text.length);
      marks.fill(1, Math.max(at, marked), at + needle.length);
      marked = at + needle.length;
    }
  }
  return marks;
}
