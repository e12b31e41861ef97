// One hop's connection to a server that may be hostile: to the addresses that were checked, bounded in bytes of the socket, pieces and interim answers, and
// billed for what reading it costs. What comes is collected here as it comes; no stream keeps it meanwhile.

import { Client, type Dispatcher } from "undici";
import { BoundedBytes } from "../../bounds/bytes.ts";
import { boundedConnector } from "../../bounds/sockets.ts";
import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { Address } from "./addresses.ts";
import type { BodyReceiver } from "./bodies.ts";

export interface HopRules {
  /** Of a body that is collected. */
  readonly maxAnswerBytes: number;
  /** Of one that goes elsewhere. */
  readonly maxReceivedBytes?: number | undefined;
  /** Billed to whoever asked. */
  spend(ms: number): void;
}

interface HopRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  /** Names and values take turns. */
  readonly headers: string[];
  readonly body: Bytes | AsyncIterable<Bytes> | null;
  readonly signal: AbortSignal;
  /** Takes the body of an answer instead of collecting it, if it wants to. */
  readonly receiver?: ((statusCode: number, headers: HopHeaders) => BodyReceiver | undefined) | undefined;
}

/** Names in lower case; values in Latin-1. */
type HopHeaders = Readonly<Record<string, string | string[] | undefined>>;

interface HopAnswer {
  readonly statusCode: number;
  readonly headers: HopHeaders;
  /** Fit to be written into. Empty once a receiver has all of it. */
  readonly body: Promise<Bytes>;
}

/** What one hop is sent through. */
export interface Connection {
  /** Resolves with the headers. Both promises reject with HostError, or with what the network says. */
  request(hop: HopRequest): Promise<HopAnswer>;
  destroy(): Promise<void>;
}

const NOTHING = new Uint8Array(0);
const MAX_HEADER_BYTES = 32_768;
const MAX_INTERIM_ANSWERS = 16;
// Headers, and what chunks add to a body.
const WIRE_FACTOR = 2;
const WIRE_EXTRA_BYTES = 256 * 1_024;
// What is not seen of the work, measured for a loopback server: opening and closing, to which TLS adds a handshake, and bringing bytes from the system.
const OPENING_MS = { "http:": 0.5, "https:": 2 } as const;
const MS_PER_BYTE = 1.5 / (1_024 * 1_024);

export const tooLarge = (host: string, maxBytes: number): HostError =>
  new HostError("quota-exceeded", `the answer of ${host} has more than ${maxBytes} bytes, which is the limit (limits.payloadMiB)`);

/** A connection that knows these addresses only, and tries them in turn. */
export function connectTo(url: URL, addresses: readonly Address[], { maxAnswerBytes, maxReceivedBytes = 0, spend }: HopRules): Connection {
  const [first] = addresses;
  const lookup = (_name: string, options: { all?: boolean }, done: (...args: unknown[]) => void): void => {
    if (options.all === true) done(null, addresses);
    else done(null, first?.address, first?.family);
  };
  const maxBody = Math.max(maxAnswerBytes, maxReceivedBytes);
  const maxBytes = WIRE_FACTOR * maxBody + WIRE_EXTRA_BYTES;
  const tooMuch = (): HostError =>
    new HostError("http-failed", `${url.host} sends more than ${maxBytes} bytes for an answer of at most ${maxBody}`);
  const connect = boundedConnector({ lookup, autoSelectFamily: true, allowH2: false } as never, {
    maxBytes,
    tooMuch,
    sender: url.host,
    onWork: (tookMs, bytes) => spend(tookMs + bytes * MS_PER_BYTE),
  });
  const client = new Client(url.origin, { allowH2: false, maxHeaderSize: MAX_HEADER_BYTES, connect });
  return {
    request({ signal: _, receiver, ...hop }) {
      spend(url.protocol === "https:" ? OPENING_MS["https:"] : OPENING_MS["http:"]);
      const { promise, resolve, reject } = Promise.withResolvers<HopAnswer>();
      client.dispatch(
        hop as Dispatcher.DispatchOptions,
        collecting({ host: url.host, maxBytes: maxAnswerBytes, receiver }, resolve, reject),
      );
      return promise;
    },
    destroy: () => client.destroy(),
  };
}

interface Collecting extends Pick<HopRequest, "receiver"> {
  readonly host: string;
  readonly maxBytes: number;
}

/** Answers with the headers, then with the body. */
function collecting(
  { host, maxBytes, receiver: receiverOf }: Collecting,
  answer: (answer: HopAnswer) => void,
  fail: (error: Error) => void,
): Dispatcher.DispatchHandler {
  const collected = new BoundedBytes({ maxBytes, tooLarge: () => tooLarge(host, maxBytes), sender: host });
  const body = Promise.withResolvers<Bytes>();
  // A redirect's body is nobody's concern.
  body.promise.catch(() => {});
  let interim = 0;
  let receiver: BodyReceiver | undefined;
  let received: Promise<void> = Promise.resolve();
  return {
    onRequestStart() {},
    onResponseStart(_controller, statusCode, headers) {
      if (statusCode >= 200) {
        receiver = receiverOf?.(statusCode, headers);
        return answer({ statusCode, headers, body: body.promise });
      }
      interim += 1;
      if (interim > MAX_INTERIM_ANSWERS)
        throw new HostError("http-failed", `${host} sends more than ${MAX_INTERIM_ANSWERS} interim answers`);
    },
    onResponseData(controller, piece) {
      if (receiver === undefined) return collected.add(piece);
      // undici 8 hands over nothing whenever it goes on.
      if (piece.length === 0) return;
      const taken = receiver.add(piece);
      // The socket is not read on until the piece has gone on.
      controller.pause();
      received = Promise.all([received, taken]).then(
        () => controller.resume(),
        (error: Error) => {
          controller.abort(error);
          throw error;
        },
      );
      received.catch(() => {});
    },
    onResponseEnd() {
      const all = receiver === undefined ? undefined : received.then(() => receiver?.end());
      if (all === undefined) body.resolve(collected.take());
      else all.then(() => body.resolve(NOTHING), body.reject);
    },
    onResponseError(_controller, error) {
      fail(error);
      body.reject(error);
    },
  };
}
