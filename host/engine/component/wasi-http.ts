// wasi:http for requests to the world, mapped onto http.fetch with its permissions and limits: a request is sent once its body is finished, and an
// answer comes whole. There are no incoming requests; their classes are there because the interface names them.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { HttpRequest } from "../../core/wit.ts";
import { encodeError } from "../guest/blocks.ts";
import { checkSize } from "./bulkhead.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";
import {
  bytesIn,
  EMPTY,
  FutureIncomingResponse,
  FutureTrailers,
  type Header,
  IncomingBody,
  IncomingResponse,
  OBJECT_BYTES,
  sizeOf,
} from "./wasi-http-incoming.ts";
import { OutputStream } from "./wasi-io.ts";

type Tagged = { readonly tag: string; readonly val?: unknown };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const MAX_HEADERS = 256;
const decoder = new TextDecoder();
const isName = (name: string): boolean => TOKEN.test(name);

export function wasiHttp(host: ComponentHost): Interfaces {
  const { ledger } = host;
  const { payloadBytes } = host.environment.limits;

  class Fields extends Resource {
    #entries: readonly Header[] = [];
    #isImmutable = false;

    constructor() {
      super(ledger);
      host.count();
    }

    static fromList(entries: readonly Header[]): WitResultValue {
      const fields = new Fields();
      const own = entries.map(([name, value]) => [name.toLowerCase(), value] as const);
      const changed = fields.#change(
        own,
        entries.every(([name]) => isName(name)),
      );
      if (changed.tag === "ok") return ok(fields);
      fields[Symbol.dispose]();
      return changed;
    }

    /** Headers that the guest may read and not change. */
    static immutable(entries: readonly Header[]): Fields {
      const fields = new Fields();
      fields.#take(entries);
      fields.#isImmutable = true;
      return fields;
    }

    get(name: string): readonly Bytes[] {
      host.count();
      const key = name.toLowerCase();
      return this.#entries.filter(([one]) => one === key).map(([, value]) => value);
    }

    has(name: string): boolean {
      return this.get(name).length > 0;
    }

    set(name: string, values: readonly Bytes[]): WitResultValue {
      const key = name.toLowerCase();
      return this.#change([...this.#without(key), ...values.map((value) => [key, value] as const)], isName(name));
    }

    delete(name: string): WitResultValue {
      return this.#change(this.#without(name.toLowerCase()), true);
    }

    append(name: string, value: Bytes): WitResultValue {
      return this.#change([...this.#entries, [name.toLowerCase(), value]], isName(name));
    }

    entries(): readonly Header[] {
      host.count();
      return this.#entries;
    }

    clone(): Fields {
      const fields = new Fields();
      fields.#take(this.#entries);
      return fields;
    }

    #without(key: string): readonly Header[] {
      return this.#entries.filter(([one]) => one !== key);
    }

    #change(entries: readonly Header[], hasNames: boolean): WitResultValue {
      host.count();
      if (this.#isImmutable) return err({ tag: "immutable" });
      if (entries.length > MAX_HEADERS || !hasNames) return err({ tag: "invalid-syntax" });
      this.#take(entries);
      return ok(undefined);
    }

    #take(entries: readonly Header[]): void {
      Resource.holds(this, sizeOf(entries));
      this.#entries = entries;
    }
  }

  class RequestOptions extends Resource {
    constructor() {
      super(ledger);
    }
    // The turn's deadline is the timeout of all it does.
    connectTimeout(): undefined {}
    setConnectTimeout(): WitResultValue {
      return err(undefined);
    }
    firstByteTimeout(): undefined {}
    setFirstByteTimeout(): WitResultValue {
      return err(undefined);
    }
    betweenBytesTimeout(): undefined {}
    setBetweenBytesTimeout(): WitResultValue {
      return err(undefined);
    }
  }

  class OutgoingBody extends Resource {
    readonly #onFinished: (body: Bytes) => void;
    #chunks: Bytes[] = [];
    #size = 0;
    #stream: OutputStream | undefined;

    constructor(onFinished: (body: Bytes) => void) {
      super(ledger);
      this.#onFinished = onFinished;
    }

    static finish(body: OutgoingBody, trailers: unknown): WitResultValue {
      host.count();
      if (trailers !== undefined) return err({ tag: "HTTP-request-trailer-section-size", val: 0 });
      const bytes = new Uint8Array(Buffer.concat(body.#chunks));
      body[Symbol.dispose]();
      body.#onFinished(bytes);
      return ok(undefined);
    }

    write(): WitResultValue {
      host.count();
      if (this.#stream !== undefined) return err(undefined);
      this.#stream = new OutputStream(host, (bytes) => this.#take(bytes));
      return ok(this.#stream);
    }

    override [Symbol.dispose](): void {
      super[Symbol.dispose]();
      if (this.#stream !== undefined) OutputStream.close(this.#stream);
      this.#chunks = [];
    }

    #take(bytes: Bytes): void {
      this.#size += bytes.length;
      if (this.#size > payloadBytes) {
        const message = `the body of a request of ${host.environment.plugin} is above ${payloadBytes} bytes (limits.payloadMiB)`;
        host.control.doom(new HostError("quota-exceeded", message));
        throw new WebAssembly.RuntimeError("ended by the host");
      }
      this.#chunks.push(bytes);
      Resource.holds(this, this.#size + this.#chunks.length * OBJECT_BYTES);
    }
  }

  class OutgoingRequest extends Resource {
    #headers: readonly Header[];
    #method: Tagged = { tag: "get" };
    #path: string | undefined;
    #scheme: Tagged | undefined;
    #authority: string | undefined;
    #hasBody = false;
    /** Undefined while it is being written. */
    #body: Bytes | undefined = EMPTY;
    /** Undefined until the request is to be sent. */
    #send: (() => void) | undefined;

    constructor(headers: Fields) {
      super(ledger);
      this.#headers = headers.entries();
      headers[Symbol.dispose]();
      this.#weigh();
    }

    body(): WitResultValue {
      host.count();
      if (this.#hasBody) return err(undefined);
      this.#hasBody = true;
      this.#body = undefined;
      return ok(
        new OutgoingBody((body) => {
          this.#body = body;
          this.#weigh();
          this.#send?.();
        }),
      );
    }

    method(): Tagged {
      return this.#method;
    }
    setMethod(method: Tagged): WitResultValue {
      this.#method = method;
      return this.#changed();
    }
    pathWithQuery(): string | undefined {
      return this.#path;
    }
    setPathWithQuery(path: string | undefined): WitResultValue {
      this.#path = path;
      return this.#changed();
    }
    scheme(): Tagged | undefined {
      return this.#scheme;
    }
    setScheme(scheme: Tagged | undefined): WitResultValue {
      this.#scheme = scheme;
      return this.#changed();
    }
    authority(): string | undefined {
      return this.#authority;
    }
    setAuthority(authority: string | undefined): WitResultValue {
      this.#authority = authority;
      return this.#changed();
    }
    headers(): Fields {
      host.count();
      return Fields.immutable(this.#headers);
    }

    /** Once its body is finished; resolves with the tagged block of http.fetch, never rejects. */
    static send(request: OutgoingRequest): Promise<Bytes> {
      const { promise, resolve } = Promise.withResolvers<Bytes>();
      const ask = host.asker();
      request.#send = () => {
        resolve(request.#isTooLarge() ?? ask("http.fetch", [request.#request(), request.#body]));
      };
      if (request.#body !== undefined) request.#send();
      return promise.finally(() => request[Symbol.dispose]());
    }

    // Its body has a way back to it.
    override [Symbol.dispose](): void {
      super[Symbol.dispose]();
      this.#headers = [];
      this.#method = { tag: "get" };
      this.#path = undefined;
      this.#scheme = undefined;
      this.#authority = undefined;
    }

    #changed(): WitResultValue {
      host.count();
      this.#weigh();
      return ok(undefined);
    }

    #weigh(): void {
      Resource.holds(this, this.#bytes() + this.#headers.length * OBJECT_BYTES);
    }

    #bytes(): number {
      const texts = [this.#method.val, this.#path, this.#scheme?.val, this.#authority];
      const inTexts = texts.reduce((sum: number, text) => sum + (typeof text === "string" ? text.length : 0), 0);
      return bytesIn(this.#headers) + inTexts + (this.#body?.length ?? 0);
    }

    /** The refusal. Said before the JSON of the headers is made, which can be many times as long. */
    #isTooLarge(): Bytes | undefined {
      try {
        checkSize(host.environment.limits, "http.fetch", this.#bytes());
      } catch (thrown) {
        return encodeError(toHostError(thrown));
      }
    }

    #request(): HttpRequest {
      const { tag, val } = this.#method;
      const scheme =
        this.#scheme === undefined || this.#scheme.tag === "HTTPS"
          ? "https"
          : this.#scheme.tag === "HTTP"
            ? "http"
            : String(this.#scheme.val);
      return {
        method: tag === "other" ? String(val) : tag.toUpperCase(),
        url: `${scheme}://${this.#authority ?? ""}${this.#path ?? "/"}`,
        headers: this.#headers.map(([name, value]) => ({ name, value: decoder.decode(value) })),
      };
    }
  }

  class IncomingRequest extends Resource {}
  class OutgoingResponse extends Resource {}
  class ResponseOutparam extends Resource {}

  return {
    "wasi:http/types": {
      ...{ Fields, RequestOptions, OutgoingBody, OutgoingRequest, IncomingBody, FutureTrailers, IncomingResponse, FutureIncomingResponse },
      ...{ IncomingRequest, OutgoingResponse, ResponseOutparam },
      httpErrorCode: () => undefined,
    },
    "wasi:http/outgoing-handler": {
      handle: (request: OutgoingRequest, options: RequestOptions | undefined): WitResultValue => {
        host.count();
        options?.[Symbol.dispose]();
        return ok(new FutureIncomingResponse(host, OutgoingRequest.send(request), (entries) => Fields.immutable(entries)));
      },
    },
  };
}
