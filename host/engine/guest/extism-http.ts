// Extism's `http_request`, served by http.fetch with its permissions and limits. Extism knows no errors as values, so a refusal ends the turn.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import { decodeError } from "./blocks.ts";

const NO_BLOCK = 0n;
const EMPTY: Bytes = new Uint8Array(0);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export interface ExtismHttpPorts {
  /** Undefined for what is not the handle of a block. */
  view(handle: bigint): Bytes | undefined;
  give(bytes: Bytes): bigint;
  /** The tagged answer of http.fetch, or undefined when the guest is to end. */
  fetch(request: Bytes, body: Bytes): Promise<Bytes | undefined>;
  doom(error: HostError): void;
}

interface AnswerHead {
  readonly status: number;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

interface Answer extends AnswerHead {
  readonly body: string;
}

export class ExtismHttp {
  readonly #ports: ExtismHttpPorts;
  #answer: AnswerHead | undefined;

  constructor(ports: ExtismHttpPorts) {
    this.#ports = ports;
  }

  /** Of the last answer, 0 before there is one. */
  get status(): number {
    return this.#answer?.status ?? 0;
  }

  /** Of the last answer, as a JSON object by lower-case name; several of one name are joined by commas. Undefined before there is one. */
  get headers(): string | undefined {
    if (this.#answer === undefined) return undefined;
    const byName = new Map<string, string>();
    for (const { name, value } of this.#answer.headers) {
      const key = name.toLowerCase();
      const before = byName.get(key);
      byName.set(key, before === undefined ? value : `${before}, ${value}`);
    }
    return JSON.stringify(Object.fromEntries(byName));
  }

  /** All that is there of the last answer, as text. */
  get kept(): string | undefined {
    return this.#answer && JSON.stringify(this.#answer);
  }

  set kept(text: string | undefined) {
    this.#answer = text === undefined ? undefined : (JSON.parse(text) as AnswerHead);
  }

  /** The block of the answer's body. */
  async request(request: bigint, body: bigint): Promise<bigint> {
    const asked = this.#ports.view(request);
    const sent = body === NO_BLOCK ? EMPTY : this.#ports.view(body);
    const translated = asked === undefined || sent === undefined ? undefined : fromExtism(decoder.decode(asked));
    if (translated === undefined || sent === undefined) {
      return this.#end(new HostError("invalid-message", "the request of http_request is not the JSON {url, method, headers} of Extism"));
    }
    const block = await this.#ports.fetch(encoder.encode(JSON.stringify(translated)), sent);
    if (block === undefined) return NO_BLOCK;
    if (block[0] !== 0) return this.#end(decodeError(block));
    const found = JSON.parse(decoder.decode(block.subarray(1))) as Answer;
    this.#answer = { status: found.status, headers: found.headers };
    return this.#ports.give(Buffer.from(found.body, "base64"));
  }

  #end(error: HostError): bigint {
    this.#ports.doom(error);
    return NO_BLOCK;
  }
}

/** What wit/ calls a request; the host checks it like any other. */
function fromExtism(text: string): { url: unknown; method: unknown; headers: unknown[] } | undefined {
  try {
    const request: unknown = JSON.parse(text);
    if (typeof request !== "object" || request === null) return undefined;
    const { url, method, headers, header } = request as Record<string, unknown>;
    const pairs = Object.entries(Object(headers ?? header ?? {}) as Record<string, unknown>);
    return { url, method: method ?? "GET", headers: pairs.map(([name, value]) => ({ name, value })) };
  } catch {
    return undefined;
  }
}
