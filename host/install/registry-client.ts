// One request to a registry, or to whoever has a document: to its own origin, or one that the operator named for it, bounded in bytes, pieces, redirects and
// time, and told who we are as npm's settings say. What comes is not looked into here.

import { EnvHttpProxyAgent, request } from "undici";
import { BoundedBytes } from "../bounds/bytes.ts";
import { boundedConnector } from "../bounds/sockets.ts";
import { HostError } from "../core/errors.ts";
import { authoritiesOf, credentialsFor, type NpmSettings, ownAddress } from "./npm-settings.ts";

const MAX_REDIRECTS = 3;
const TRIES = 3;
const FIRST_PAUSE_MS = 200;
const CONNECT_MS = 10_000;
// Headers, and what chunks add to a body.
const WIRE_FACTOR = 2;
const WIRE_EXTRA_BYTES = 256 * 1_024;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Origins beside its own to which a registry may send us. */
export type Elsewhere = ReadonlySet<string>;

export interface RegistryRequest {
  readonly url: URL;
  /** GET by default. Redirects of those with a body are not followed. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT";
  readonly accept: string;
  /** What may be packed on its way; `gzip` by default. */
  readonly encoding?: "gzip" | "identity";
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  /** Instead of what npm's settings say, for the address's own origin; empty for nothing. */
  readonly authorization?: string | undefined;
  readonly elsewhere?: Elsewhere;
  readonly maxBytes: number;
  readonly tooLarge: () => HostError;
  /** Of all tries together. */
  readonly timeoutMs: number;
}

export interface RegistryAnswer {
  readonly status: number;
  /** As it came, perhaps packed. */
  readonly body: Buffer;
  readonly encoding: string;
  /** Undefined for what was not said, or more than once. */
  header(name: string): string | undefined;
}

/** Asks again when the registry cannot be reached or says 5xx or 429. Rejects with a HostError, or with what the network says. */
export async function askRegistry(asked: RegistryRequest, settings: NpmSettings): Promise<RegistryAnswer> {
  const signal = AbortSignal.timeout(asked.timeoutMs);
  const ca = await authoritiesOf(settings);
  const tls = ca === undefined ? {} : { ca };
  const connect = boundedConnector(
    { timeout: CONNECT_MS, ...tls },
    { maxBytes: WIRE_FACTOR * asked.maxBytes + WIRE_EXTRA_BYTES, tooMuch: asked.tooLarge, sender: asked.url.host },
  );
  await using agent = disposable(new EnvHttpProxyAgent({ connect, requestTls: tls, proxyTls: tls, ...proxiesOf(settings) }));
  for (let left = TRIES - 1, pauseMs = FIRST_PAUSE_MS; ; left -= 1, pauseMs *= 4) {
    try {
      const answer = await followed(asked, settings, agent.dispatcher, signal);
      if (left === 0 || (answer.status < 500 && answer.status !== 429)) return answer;
    } catch (thrown) {
      if (left === 0 || thrown instanceof HostError || signal.aborted) throw thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

// As npm does; what its settings do not say, HTTPS_PROXY and its kin do.
const proxiesOf = ({ proxy, "https-proxy": httpsProxy = proxy, noproxy: noProxy }: NpmSettings): EnvHttpProxyAgent.Options => ({
  ...(proxy === undefined ? {} : { httpProxy: proxy }),
  ...(httpsProxy === undefined ? {} : { httpsProxy }),
  ...(noProxy === undefined ? {} : { noProxy }),
});

async function followed(
  asked: RegistryRequest,
  settings: NpmSettings,
  dispatcher: EnvHttpProxyAgent,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  const { url: first, method = "GET", maxBytes, tooLarge, body: sent } = asked;
  const body = new BoundedBytes({ maxBytes, tooLarge, sender: first.host });
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const headers = headersFor(url, asked, settings);
    const response = await request(url, { method, dispatcher, signal, headers, ...(sent && { body: sent.bytes }) });
    const header = (name: string): string | undefined => {
      const value = response.headers[name];
      return typeof value === "string" ? value : undefined;
    };
    const location = header("location");
    if (method !== "GET" || !REDIRECTS.has(response.statusCode) || location === undefined) {
      for await (const piece of response.body) body.add(piece as Uint8Array);
      return { status: response.statusCode, body: body.take(), encoding: header("content-encoding") ?? "identity", header };
    }
    // Nobody is left to hear of its end.
    response.body.on("error", () => {}).destroy();
    url = nextAddress(location, url, asked);
  }
  throw new HostError("http-failed", `${first.origin} redirects more than ${MAX_REDIRECTS} times`);
}

function headersFor(
  url: URL,
  { url: first, accept, encoding = "gzip", authorization, body }: RegistryRequest,
  settings: NpmSettings,
): Record<string, string> {
  // What lies elsewhere is to be had by its address alone.
  const ours = url.origin === first.origin ? (authorization ?? credentialsFor(url, settings) ?? "") : "";
  const headers = { accept, "accept-encoding": encoding, ...(body && { "content-type": body.type }) };
  return ours === "" ? headers : { ...headers, authorization: ours };
}

/** Back to where we began, or to a place that the operator named; a place that was named sends us no further. */
function nextAddress(location: string, from: URL, { url: first, elsewhere }: RegistryRequest): URL {
  const url = URL.parse(location, from);
  const isNamed = url !== null && from.origin === first.origin && url.username === "" && elsewhere?.has(url.origin) === true;
  return isNamed ? url : ownAddress(url?.href ?? location, first);
}

const disposable = (dispatcher: EnvHttpProxyAgent): AsyncDisposable & { readonly dispatcher: EnvHttpProxyAgent } => ({
  dispatcher,
  [Symbol.asyncDispose]: () => dispatcher.destroy(),
});
