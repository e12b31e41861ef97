// What tests give and get: bytes, text or JSON, in the same way for inputs, answers, events, storage and state.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";

/** Bytes are taken as they are, a string as its UTF-8, everything else as JSON. */
export type Content = Uint8Array | string | number | boolean | null | object;

/** Bytes that somebody sent, a copy of them. */
export class Payload {
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array) {
    this.bytes = new Uint8Array(bytes);
  }

  /** Read as UTF-8; what is none becomes U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** Throws HostError `invalid-message` when it is no JSON text. That it is a `T` is the caller's word. */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text());
    } catch (cause) {
      throw new HostError("invalid-message", `"${printable(this.text())}" is no JSON`, { cause });
    }
  }
}

/** What a service answers. */
export type Answer = Payload;

/** Nothing becomes no bytes. Throws HostError `invalid-message` for what JSON cannot say. */
export function bytesOf(content: Content | undefined): Uint8Array<ArrayBuffer> {
  if (content === undefined) return new Uint8Array(0);
  if (content instanceof Uint8Array) return new Uint8Array(content);
  return new TextEncoder().encode(typeof content === "string" ? content : jsonOf(content));
}

/** A string becomes a JSON string here. Throws HostError `invalid-message` for what JSON cannot say. */
export function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new HostError("invalid-message", `this has no form in JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (text === undefined) throw new HostError("invalid-message", `a ${typeof value} has no form in JSON`);
  return text;
}
