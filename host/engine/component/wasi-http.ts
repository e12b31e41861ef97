// wasi:http for requests to the world, mapped onto http.fetch with its permissions and limits: a request is sent once its body is finished, and an
// answer comes whole. There are no incoming requests; their classes are there because the interface names them.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { HttpResponse } from "../../core/wit.ts";
import { decodeResult, encodeArguments } from "../guest/blocks.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";
import { InputStream, OutputStream, Pollable } from "./wasi-io.ts";

type Tagged = { readonly tag: string; readonly val?: unknown };
type Header = readonly [name: string, value: Bytes];

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const MAX_HEADERS = 256;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

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
      const refused = fields.#replace(entries);
      if (refused !== undefined) fields[Symbol.dispose]();
      return refused ?? ok(fields);
    }

    /** Headers that the guest may read and not change. */
    static immutable(entries: readonly Header[]): Fields {
      const fields = new Fields();
      fields.#entries = entries;
      fields.#isImmutable = true;
      return fields;
    }

    get(name: string): readonly Bytes[] {
      host.count();
      return this.#entries.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
    }

    has(name: string): boolean {
      return this.get(name).length > 0;
    }

    set(name: string, values: readonly Bytes[]): WitResultValue {
      return this.#change([...this.#without(name), ...values.map((value) => [name, value] as const)]);
    }

    delete(name: string): WitResultValue {
      return this.#change(this.#without(name));
    }

    append(name: string, value: Bytes): WitResultValue {
      return this.#change([...this.#entries, [name, value]]);
    }

    entries(): readonly Header[] {
      host.count();
      return this.#entries;
    }

    clone(): Fields {
      const fields = new Fields();
      fields.#entries = this.#entries;
      return fields;
    }

    #without(name: string): readonly Header[] {
      return this.#entries.filter(([key]) => key !== name.toLowerCase());
    }

    #change(entries: readonly Header[]): WitResultValue {
      host.count();
      return this.#replace(entries) ?? ok(undefined);
    }

    #replace(entries: readonly Header[]): WitResultValue | undefined {
      if (this.#isImmutable) return err({ tag: "immutable" });
      if (entries.length > MAX_HEADERS || !entries.every(([name]) => TOKEN.test(name))) return err({ tag: "invalid-syntax" });
      this.#entries = entries.map(([name, value]) => [name.toLowerCase(), value]);
      return undefined;
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
    readonly #chunks: Bytes[] = [];
    readonly #onFinished: (body: Bytes) => void;
    #size = 0;
    #stream: OutputStream | undefined;

    constructor(onFinished: (body: Bytes) => void) {
      super(ledger);
      this.#onFinished = onFinished;
    }

    static finish(body: OutgoingBody, trailers: unknown): WitResultValue {
      host.count();
      if (trailers !== undefined) return err({ tag: "HTTP-request-trailer-section-size", val: 0 });
      body.#stream?.close();
      body.#onFinished(new Uint8Array(Buffer.concat(body.#chunks)));
      return ok(undefined);
    }

    write(): WitResultValue {
      host.count();
      if (this.#stream !== undefined) return err(undefined);
      this.#stream = new OutputStream(host, (bytes) => this.#take(bytes));
      return ok(this.#stream);
    }

    #take(bytes: Bytes): void {
      this.#size += bytes.length;
      if (this.#size > payloadBytes) {
        const message = `the body of a request of ${host.environment.plugin} is above ${payloadBytes} bytes (limits.payloadBytes)`;
        host.control.doom(new HostError("quota-exceeded", message));
        throw new WebAssembly.RuntimeError("ended by the host");
      }
      this.#chunks.push(bytes);
    }
  }

  class OutgoingRequest extends Resource {
    readonly #headers: Fields;
    #method: Tagged = { tag: "get" };
    #path: string | undefined;
    #scheme: Tagged | undefined;
    #authority: string | undefined;
    #hasBody = false;
    readonly #body = Promise.withResolvers<Bytes>();

    constructor(headers: Fields) {
      super(ledger);
      host.count();
      this.#headers = Fields.immutable(headers.entries());
    }

    body(): WitResultValue {
      host.count();
      if (this.#hasBody) return err(undefined);
      this.#hasBody = true;
      return ok(new OutgoingBody(this.#body.resolve));
    }

    method(): Tagged {
      return this.#method;
    }
    setMethod(method: Tagged): WitResultValue {
      this.#method = method;
      return ok(undefined);
    }
    pathWithQuery(): string | undefined {
      return this.#path;
    }
    setPathWithQuery(path: string | undefined): WitResultValue {
      this.#path = path;
      return ok(undefined);
    }
    scheme(): Tagged | undefined {
      return this.#scheme;
    }
    setScheme(scheme: Tagged | undefined): WitResultValue {
      this.#scheme = scheme;
      return ok(undefined);
    }
    authority(): string | undefined {
      return this.#authority;
    }
    setAuthority(authority: string | undefined): WitResultValue {
      this.#authority = authority;
      return ok(undefined);
    }
    headers(): Fields {
      return Fields.immutable(this.#headers.entries());
    }

    /** Resolves with the tagged block of http.fetch. */
    async send(): Promise<Bytes> {
      const { tag, val } = this.#method;
      const scheme =
        this.#scheme === undefined || this.#scheme.tag === "HTTPS"
          ? "https"
          : this.#scheme.tag === "HTTP"
            ? "http"
            : String(this.#scheme.val);
      const request = {
        method: tag === "other" ? String(val) : tag.toUpperCase(),
        url: `${scheme}://${this.#authority ?? ""}${this.#path ?? "/"}`,
        headers: this.#headers.entries().map(([name, value]) => ({ name, value: decoder.decode(value) })),
      };
      const body = this.#hasBody ? await this.#body.promise : new Uint8Array(0);
      return host.environment.askHost("http.fetch", encodeArguments("http.fetch", [request, body]));
    }
  }

  class IncomingBody extends Resource {
    readonly #bytes: Bytes;
    #isTaken = false;

    constructor(bytes: Bytes) {
      super(ledger);
      this.#bytes = bytes;
    }

    static finish(): FutureTrailers {
      host.count();
      return new FutureTrailers(ledger);
    }

    stream(): WitResultValue {
      host.count();
      if (this.#isTaken) return err(undefined);
      this.#isTaken = true;
      return ok(new InputStream(host, this.#bytes));
    }
  }

  class FutureTrailers extends Resource {
    subscribe(): Pollable {
      return new Pollable(host);
    }
    get(): WitResultValue {
      return ok(ok(undefined));
    }
  }

  class IncomingResponse extends Resource {
    readonly #response: HttpResponse;
    #isConsumed = false;

    constructor(response: HttpResponse) {
      super(ledger);
      this.#response = response;
    }

    status(): number {
      host.count();
      return this.#response.status;
    }

    headers(): Fields {
      return Fields.immutable(this.#response.headers.map(({ name, value }) => [name.toLowerCase(), encoder.encode(value)]));
    }

    consume(): WitResultValue {
      host.count();
      if (this.#isConsumed) return err(undefined);
      this.#isConsumed = true;
      return ok(new IncomingBody(this.#response.body));
    }
  }

  class FutureIncomingResponse extends Resource {
    readonly #answer: Promise<void>;
    #block: Bytes | undefined;
    #isTaken = false;

    constructor(answer: Promise<Bytes>) {
      super(ledger);
      this.#answer = answer.then((block) => {
        this.#block = block;
      });
    }

    subscribe(): Pollable {
      host.count();
      return new Pollable(host, undefined, this.#answer);
    }

    get(): WitResultValue | undefined {
      host.count();
      if (this.#block === undefined) return undefined;
      if (this.#isTaken) return err(undefined);
      this.#isTaken = true;
      return ok(
        this.#block[0] === 0
          ? ok(new IncomingResponse(decodeResult("http.fetch", this.#block) as HttpResponse))
          : err(errorCode(this.#block)),
      );
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
      handle: (request: OutgoingRequest): WitResultValue => {
        host.count();
        return ok(new FutureIncomingResponse(request.send()));
      },
    },
  };
}

/** The nearest of wasi:http's error codes. */
function errorCode(block: Bytes): Tagged {
  const { code, message } = JSON.parse(decoder.decode(block.subarray(1))) as { readonly code: string; readonly message: string };
  if (code === "permission-denied") return { tag: "HTTP-request-denied" };
  if (code === "deadline-exceeded") return { tag: "HTTP-response-timeout" };
  if (code === "rate-limited") return { tag: "connection-limit-reached" };
  return { tag: "internal-error", val: `${code}: ${message}` };
}
