// What comes back in wasi:http: an answer that is waited for, its status, headers and body. The bytes of a body go from the answer to the response, to
// the body, to its stream, and count where they are.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { HttpResponse } from "../../core/wit.ts";
import { decodeResult, encodeError } from "../guest/blocks.ts";
import type { ComponentHost } from "./component-host.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";
import { InputStream } from "./wasi-io.ts";
import { Pollable, Signal } from "./wasi-poll.ts";

/** The name in lower case. */
export type Header = readonly [name: string, value: Bytes];
/** Makes headers that the guest may read and not change. */
type MakeFields = (entries: readonly Header[]) => Resource;

export const EMPTY: Bytes = new Uint8Array(0);
/** What a header or a piece of a body takes beside its bytes. */
export const OBJECT_BYTES = 128;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export const bytesIn = (entries: readonly Header[]): number => entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
export const sizeOf = (entries: readonly Header[]): number => bytesIn(entries) + entries.length * OBJECT_BYTES;

export class FutureTrailers extends Resource {
  readonly #host: ComponentHost;

  constructor(host: ComponentHost) {
    super(host.ledger);
    this.#host = host;
  }

  subscribe(): Pollable {
    return new Pollable(this.#host);
  }

  get(): WitResultValue {
    return ok(ok(undefined));
  }
}

export class IncomingBody extends Resource {
  readonly #host: ComponentHost;
  #bytes: Bytes;
  #isTaken = false;

  constructor(host: ComponentHost, bytes: Bytes) {
    super(host.ledger);
    this.#host = host;
    this.#bytes = bytes;
    Resource.holds(this, bytes.length);
  }

  static finish(body: IncomingBody): FutureTrailers {
    body.#host.count();
    body[Symbol.dispose]();
    return new FutureTrailers(body.#host);
  }

  stream(): WitResultValue {
    this.#host.count();
    if (this.#isTaken) return err(undefined);
    this.#isTaken = true;
    const bytes = this.#bytes;
    this.#bytes = EMPTY;
    Resource.holds(this, 0);
    return ok(new InputStream(this.#host, bytes));
  }
}

export class IncomingResponse extends Resource {
  readonly #host: ComponentHost;
  readonly #makeFields: MakeFields;
  readonly #status: number;
  readonly #headers: readonly Header[];
  #body: Bytes;
  #isConsumed = false;

  constructor(host: ComponentHost, { status, headers, body }: HttpResponse, makeFields: MakeFields) {
    super(host.ledger);
    this.#host = host;
    this.#makeFields = makeFields;
    this.#status = status;
    this.#headers = headers.map(({ name, value }) => [name.toLowerCase(), encoder.encode(value)]);
    this.#body = body;
    Resource.holds(this, sizeOf(this.#headers) + body.length);
  }

  status(): number {
    this.#host.count();
    return this.#status;
  }

  headers(): Resource {
    this.#host.count();
    return this.#makeFields(this.#headers);
  }

  consume(): WitResultValue {
    this.#host.count();
    if (this.#isConsumed) return err(undefined);
    this.#isConsumed = true;
    const body = this.#body;
    this.#body = EMPTY;
    Resource.holds(this, sizeOf(this.#headers));
    return ok(new IncomingBody(this.#host, body));
  }
}

export class FutureIncomingResponse extends Resource {
  readonly #host: ComponentHost;
  readonly #makeFields: MakeFields;
  readonly #answer: Signal;
  #block: Bytes | undefined;
  #isTaken = false;

  /** `answer`, the tagged block of http.fetch, must not reject. */
  constructor(host: ComponentHost, answer: Promise<Bytes>, makeFields: MakeFields) {
    super(host.ledger);
    this.#host = host;
    this.#makeFields = makeFields;
    this.#answer = new Signal(answer.then((block) => this.#arrive(block)));
  }

  subscribe(): Pollable {
    this.#host.count();
    return new Pollable(this.#host, undefined, this.#answer);
  }

  get(): WitResultValue | undefined {
    this.#host.count();
    if (this.#block === undefined) return undefined;
    if (this.#isTaken) return err(undefined);
    this.#isTaken = true;
    const block = this.#block;
    this.#block = EMPTY;
    Resource.holds(this, 0);
    if (block[0] !== 0) return ok(err(errorCode(block)));
    return ok(ok(new IncomingResponse(this.#host, decodeResult("http.fetch", block) as HttpResponse, this.#makeFields)));
  }

  // The guest is not running now, so it is told when it asks.
  #arrive(block: Bytes): void {
    const { ledger, environment } = this.#host;
    if (ledger.hasRoomFor(block.length)) {
      this.#block = block;
      Resource.holds(this, block.length);
      return;
    }
    const { plugin, limits } = environment;
    const message = `${plugin} holds too much to take an answer of ${block.length} bytes; the limit is ${limits.blockBytes} (limits.blockMiB)`;
    this.#block = encodeError(new HostError("memory-exhausted", message));
  }
}

/** The nearest of wasi:http's error codes. */
function errorCode(block: Bytes): { readonly tag: string; readonly val?: unknown } {
  const { code, message } = JSON.parse(decoder.decode(block.subarray(1))) as { readonly code: string; readonly message: string };
  if (code === "permission-denied") return { tag: "HTTP-request-denied" };
  if (code === "deadline-exceeded") return { tag: "HTTP-response-timeout" };
  if (code === "rate-limited") return { tag: "connection-limit-reached" };
  return { tag: "internal-error", val: `${code}: ${message}` };
}
