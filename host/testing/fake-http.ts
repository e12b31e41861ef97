// The world of a test: a function in the place of every web server. Permissions, redirects, secrets and limits are those of the real client.

import type { Lookup } from "../capabilities/http/addresses.ts";
import { httpFunctions } from "../capabilities/http/capability.ts";
import { httpClientOptions, PluginHttpClient } from "../capabilities/http/client.ts";
import type { Connection } from "../capabilities/http/connection.ts";
import { HostError } from "../core/errors.ts";
import type { CapabilityFunctions } from "../core/ports/capability.ts";
import type { BlobTransfers } from "../seams.ts";
import { failureOf } from "./fake-plugins.ts";
import { bytesOf, type Content, Payload } from "./payload.ts";
import type { TestClock } from "./test-clock.ts";

export interface FakedRequest {
  readonly method: string;
  readonly url: string;
  /** Names in lower case, secrets filled in. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface FakedResponse {
  /** 200 by default. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Content | undefined;
}

/** Stands for the web. What it throws is what the plugin is told: `http-failed` with the message, a HostError with its code. */
export type FakedHttp = (request: FakedRequest, body: Payload) => FakedResponse | Promise<FakedResponse>;

// Names count as public; an address in a URL is what it is, and so is this machine.
const PUBLIC = [{ address: "93.184.215.14", family: 4 }] as const;
const LOOPBACK = [{ address: "127.0.0.1", family: 4 }] as const;
const lookup: Lookup = async (name) => (/^(.+\.)?localhost$/.test(name) ? LOOPBACK : PUBLIC);

const NO_FAKE: FakedHttp = ({ method, url }) => {
  throw new HostError("http-failed", `nothing answers ${method} ${url}: this test gives loadPlugin no http`);
};

/** Answers with `http`; without it every request that is permitted fails with `http-failed`. A secret may go everywhere. */
export function fakedHttp(
  http: FakedHttp = NO_FAKE,
  secrets: Readonly<Record<string, string>>,
  clock: TestClock,
  blobs: BlobTransfers,
): CapabilityFunctions {
  const values = new Map(Object.entries(secrets));
  const find = (name: string): { value: string; mayGoTo(): boolean } | undefined => {
    const value = values.get(name);
    return value === undefined ? undefined : { value, mayGoTo: () => true };
  };
  const ports = { clock, secrets: { find }, lookup, ownListeners: { has: () => false }, connect: (url: URL) => connection(url, http) };
  return httpFunctions(new PluginHttpClient(ports, httpClientOptions.parse({})), blobs);
}

function connection(url: URL, http: FakedHttp): Connection {
  return {
    async request({ method, headers, body, signal, receiver: receiverOf }) {
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const answer = async (): Promise<FakedResponse> =>
        http({ method, url: url.href, headers: pairsOf(headers) }, new Payload(await whole(body)));
      try {
        const { status = 200, headers: given = {}, body: content } = await Promise.race([answer(), aborted]);
        const answered = lowerCased(given);
        const receiver = receiverOf?.(status, answered);
        const bytes = bytesOf(content).slice();
        const received = receiver?.add(bytes).then(() => receiver.end());
        return { statusCode: status, headers: answered, body: received?.then(() => new Uint8Array(0)) ?? Promise.resolve(bytes) };
      } catch (thrown) {
        throw failureOf(thrown, "http-failed");
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async destroy() {},
  };
}

async function whole(body: Uint8Array | AsyncIterable<Uint8Array> | null): Promise<Uint8Array> {
  if (body === null || body instanceof Uint8Array) return body ?? new Uint8Array(0);
  return Buffer.concat(await Array.fromAsync(body));
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** Headers of the same name become one, as HTTP reads them. */
function pairsOf(flat: readonly string[]): Record<string, string> {
  const headers = new Headers();
  for (let i = 0; i + 1 < flat.length; i += 2) headers.append(flat[i] ?? "", flat[i + 1] ?? "");
  return Object.fromEntries(headers);
}
