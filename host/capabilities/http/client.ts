// Requests of plugins to the world. The plugin names a URL; the host decides where the connection goes: each hop is checked against the
// permissions, its name is resolved once, and the socket is opened to the address that was checked.

import type { Dispatcher } from "undici";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes, Permission } from "../../core/types.ts";
import type { BlobSource, CapabilityOpening, SecretSource } from "../../seams.ts";
import { type Address, AddressBook, codeOf, type Lookup } from "./addresses.ts";
import { BlobReceiver, type Body, type BodyTarget, sent } from "./bodies.ts";
import { type Connection, connectTo, type HopRules, tooLarge } from "./connection.ts";
import { answerHeaders, type Header, type HttpRequest, parseRequest, parseUrl, resourceOf } from "./request.ts";
import { fillIn, hasPlaceholder, Mask } from "./secrets.ts";

export interface HttpClientOptions {
  /** Requests of one plugin at a time; one more is answered with `rate-limited`. */
  readonly concurrency: number;
  /** Of a whole request with its redirects. */
  readonly timeoutMs: number;
}

export const httpClientOptions: z.ZodType<HttpClientOptions> = z.strictObject({
  concurrency: z.int().positive().max(256).default(8),
  timeoutMs: z.int().positive().max(600_000).default(30_000),
});

/** The rules of one request. */
export interface HttpRules {
  readonly plugin: string;
  /** Throws HostError `permission-denied`; to be asked before each hop. */
  require(permission: Permission, resource: string): void;
  /** Aborts once something that was required is taken away. */
  readonly revoked: AbortSignal;
  /** On the host's monotonic clock. */
  readonly deadline: number;
  readonly maxAnswerBytes: number;
  /** Bills what the host itself works for the request, in milliseconds. */
  spend(ms: number): void;
}

export interface HttpClientPorts {
  readonly clock: Clock;
  readonly secrets: SecretSource;
  /** The system's by default. */
  readonly lookup?: Lookup | undefined;
  readonly ownListeners: CapabilityOpening["ownListeners"];
  /** Opens what one hop is sent through, to the addresses that were checked; a socket by default. */
  readonly connect?: ((url: URL, addresses: readonly Address[], rules: HopRules) => Connection) | undefined;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Bytes;
  /** How many bytes went into the target instead. */
  readonly stored?: number | undefined;
}

/** How a request differs from the usual. */
export interface HttpOptions {
  /** Never longer than the usual. */
  readonly timeoutMs?: number | undefined;
  /** Sent as the body. */
  readonly from?: BlobSource | undefined;
  /** Where the body of a successful answer goes. */
  readonly into?: BodyTarget | undefined;
}

interface Hop extends HttpRequest {
  readonly body: Body;
}

/** What all hops of a request have in common. */
interface Journey {
  readonly rules: HttpRules;
  readonly signal: AbortSignal;
  readonly mask: Mask;
  readonly into: BodyTarget | undefined;
}

const MAX_REQUESTS = 256;
const MAX_REDIRECTS = 5;
// So that the refusal still reaches the guest before its turn ends.
const ANSWER_MARGIN_MS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

export class PluginHttpClient {
  readonly #ports: HttpClientPorts;
  readonly #options: HttpClientOptions;
  readonly #addresses: AddressBook;
  readonly #running = new Map<string, number>();
  #all = 0;

  constructor(ports: HttpClientPorts, options: HttpClientOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#addresses = new AddressBook(ports.lookup);
  }

  async fetch(request: unknown, body: Bytes, rules: HttpRules, { timeoutMs: asked, from, into }: HttpOptions = {}): Promise<HttpAnswer> {
    const first = parseRequest(request);
    const leave = this.#enter(rules.plugin);
    const ended = new AbortController();
    const end = (error: HostError): void => ended.abort(error);
    const remaining = rules.deadline - ANSWER_MARGIN_MS - this.#ports.clock.monotonicMs();
    const timeoutMs = Math.max(0, Math.min(this.#options.timeoutMs, asked ?? Number.POSITIVE_INFINITY, remaining));
    const cancel = this.#ports.clock.after(timeoutMs, () =>
      end(new HostError("deadline-exceeded", `${first.url.host} did not answer within ${Math.round(timeoutMs)} ms`)),
    );
    const onRevoked = (): void => end(new HostError("permission-denied", "the permission was taken away"));
    rules.revoked.addEventListener("abort", onRevoked, { once: true });
    const mask = new Mask();
    try {
      const hop = { ...first, body: from ?? (body.length === 0 ? undefined : body.slice()) };
      return await this.#follow(hop, { rules, signal: ended.signal, mask, into });
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      const message = mask.text(thrown.message);
      throw message === thrown.message ? thrown : new HostError(thrown.code, message);
    } finally {
      cancel();
      rules.revoked.removeEventListener("abort", onRevoked);
      leave();
    }
  }

  #enter(plugin: string): () => void {
    const running = this.#running.get(plugin) ?? 0;
    const { concurrency } = this.#options;
    if (running >= concurrency)
      throw new HostError(
        "rate-limited",
        `${plugin} has ${running} requests under way; the limit is ${concurrency} (capabilities.http.concurrency)`,
      );
    if (this.#all >= MAX_REQUESTS) throw new HostError("rate-limited", `the host has ${this.#all} requests under way, which is its limit`);
    this.#running.set(plugin, running + 1);
    this.#all += 1;
    return () => {
      this.#all -= 1;
      const left = (this.#running.get(plugin) ?? 1) - 1;
      if (left === 0) this.#running.delete(plugin);
      else this.#running.set(plugin, left);
    };
  }

  async #follow(first: Hop, journey: Journey): Promise<HttpAnswer> {
    let hop = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const { answer, next } = await this.#once(hop, journey);
      if (next === undefined) return answer;
      hop = next;
    }
    throw new HostError("http-failed", `${first.url.host} redirects more than ${MAX_REDIRECTS} times`);
  }

  /** One request and its answer, or where it leads on to. Adds the secrets that it sends to the mask. */
  async #once(hop: Hop, journey: Journey): Promise<{ answer: HttpAnswer; next: Hop | undefined }> {
    const { rules, signal, mask, into } = journey;
    const { method, url } = hop;
    const resource = resourceOf(method, url);
    rules.require("http.fetch", resource);
    const headers = fillIn(hop.headers, resource, this.#ports.secrets, (name) => rules.require("secrets.read", name), mask);
    const addresses = await unless(
      signal,
      this.#addresses.resolve(rules.plugin, url.hostname, (private_) => rules.require("http.private", private_)),
    );
    this.#refuseOwn(url, addresses);
    const { maxAnswerBytes, spend } = rules;
    const client = (this.#ports.connect ?? connectTo)(url, addresses, { maxAnswerBytes, maxReceivedBytes: into?.room, spend });
    let receiver: BlobReceiver | undefined;
    try {
      const outgoing = sent(hop.body);
      const flat = [...headers.flatMap(({ name, value }) => [name, value]), ...outgoing.headers];
      const path = `${url.pathname}${url.search}`;
      const response = await unless(
        signal,
        client.request({
          ...{ method: method as Dispatcher.HttpMethod, path, headers: flat, body: outgoing.body, signal },
          receiver: (status, given) => {
            if (into !== undefined && status >= 200 && status < 300)
              receiver = this.#receiver(url, mask.text(String(given["content-type"] ?? "")), journey, into);
            return receiver;
          },
        }),
      );
      const location = response.headers.location;
      // Masked before anybody reads it: what it leads to is checked, looked up, written down and told.
      if (REDIRECTS.has(response.statusCode) && typeof location === "string")
        return { answer: NO_ANSWER, next: redirected(hop, response.statusCode, mask.text(location)) };
      const body = await unless(signal, response.body);
      if (body.length > maxAnswerBytes) throw tooLarge(url.host, maxAnswerBytes);
      const began = this.#ports.clock.monotonicMs();
      mask.hide(body);
      const shown = answerHeaders(response.headers).map(({ name, value }) => ({ name: mask.text(name), value: mask.text(value) }));
      spend(this.#ports.clock.monotonicMs() - began);
      const stored = await (receiver as BlobReceiver | undefined)?.finish();
      return { answer: { status: response.statusCode, headers: shown, body, stored }, next: undefined };
    } catch (thrown) {
      if (thrown instanceof HostError) throw thrown;
      if (signal.aborted) throw signal.reason;
      throw new HostError("http-failed", `${method} ${url.origin} failed${codeOf(thrown)}`);
    } finally {
      // Not kept for the next request: that one may be another plugin's, or the name may lead elsewhere by then.
      void client.destroy().catch(() => {});
      await (receiver as BlobReceiver | undefined)?.discard();
    }
  }

  /** What a plugin would ask of the host by its own doors it would ask as somebody else. Asked for each hop, so for redirects too. */
  #refuseOwn(url: URL, addresses: readonly Address[]): void {
    const port = url.port === "" ? DEFAULT_PORTS[url.protocol] : Number(url.port);
    if (port === undefined || !addresses.some(({ address }) => this.#ports.ownListeners.has(address, port))) return;
    throw new HostError("permission-denied", `${url.host} is this host itself; services.call reaches its services`);
  }

  #receiver(url: URL, mediaType: string, { rules, mask }: Journey, target: BodyTarget): BlobReceiver {
    const { clock } = this.#ports;
    return new BlobReceiver({ target, mediaType, veil: mask.veil(), host: url.host, clock, spend: rules.spend });
  }
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
const NO_ANSWER: HttpAnswer = { status: 0, headers: [], body: new Uint8Array(0) };

// What fetch() of the web does: 303 and a POST that was found elsewhere become GET; credentials do not go to another origin.
function redirected({ method, url, headers, body }: Hop, status: number, location: string): Hop {
  const target = parseUrl(location, url);
  const becomesGet = (status === 303 && method !== "HEAD") || ((status === 301 || status === 302) && method === "POST");
  const isSameOrigin = target.origin === url.origin;
  const kept = headers.filter((header) => {
    const name = header.name.toLowerCase();
    if (!isSameOrigin && (CREDENTIALS.has(name) || hasPlaceholder(header))) return false;
    return !(becomesGet && name.startsWith("content-"));
  });
  return { method: becomesGet ? "GET" : method, url: target, headers: kept, body: becomesGet ? undefined : body };
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // Whoever is not waited for any more may still fail.
  work.catch(() => {});
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", onAbort));
}
