// How the host enters a plugin: an author gives functions by the names of the manifest's entry points, and exports what `plugin` makes of them.

import { clearTimers, enterInstance, runTimers } from "./globals.ts";
import { Failure, HostError, Refusal, refusalText } from "./host-error.ts";
import { decodeJson, encodeJson, type JsonOptions, textOf } from "./json.ts";
import { TextEncoder } from "./utf8.ts";

/** A CloudEvent 1.0 as a subscription gets it. */
export interface Event<Data = unknown> {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly datacontenttype: string;
  /** What is JSON; anything else is in `data_base64`. */
  readonly data: Data;
  readonly data_base64?: string;
}

/** What a caller of a service passed. */
export class Request {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Throws Refusal `invalid-input` for what is not UTF-8. */
  text(): string {
    return wanted(() => textOf(this.bytes, "the input"));
  }

  /** Throws Refusal `invalid-input` for what is no JSON. The type is the caller's promise: check what matters. */
  json<T = unknown>(options?: JsonOptions): T {
    return wanted(() => decodeJson<T>(this.bytes, options));
  }
}

/** What is wrong with an input is its sender's affair. */
function wanted<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof Failure ? new Refusal("invalid-input", thrown.message) : thrown;
  }
}

/** Bytes as they are, a text as UTF-8, nothing as no bytes, and anything else as JSON (`encodeJson`). */
export type Answer = Uint8Array | string | undefined | void | null | number | boolean | object;

export interface Handlers {
  readonly onLoad?: () => void;
  readonly onStart?: () => void;
  readonly onStop?: () => void;
  readonly onUnload?: () => void;
  /** By the entry points of the manifest's subscriptions; the request is the event's own JSON, for `json({ bigint: true })`. */
  readonly events?: Readonly<Record<string, (event: Event<never>, request: Request) => void>>;
  /** By the entry points of the manifest's services. */
  readonly services?: Readonly<Record<string, (request: Request) => Answer>>;
}

export interface EntryPoints {
  handle(entryPoint: string, input: Uint8Array): Uint8Array;
}

/** Asked by `bulkhead check`; no manifest may name it. */
const ASKED_FOR_NAMES = "__entry_points";

const LIFECYCLE = { on_load: "onLoad", on_start: "onStart", on_stop: "onStop", on_unload: "onUnload" } as const;

/** To be exported as `entryPoints`. */
export function plugin(handlers: Handlers): EntryPoints {
  return {
    handle(entryPoint, input) {
      enterInstance();
      try {
        const answer = run(handlers, entryPoint, input);
        runTimers();
        return answer;
      } catch (thrown) {
        // What is thrown here is the turn's failure.
        throw refusalText(thrown) ?? describe(thrown);
      } finally {
        clearTimers();
      }
    },
  };
}

function run({ events, services, ...lifecycle }: Handlers, entryPoint: string, input: Uint8Array): Uint8Array {
  if (entryPoint === ASKED_FOR_NAMES) return encodeJson([...Object.keys(services ?? {}), ...Object.keys(events ?? {})]);
  if (services !== undefined && Object.hasOwn(services, entryPoint)) return bytesOf(services[entryPoint]?.(new Request(input)));
  if (events !== undefined && Object.hasOwn(events, entryPoint)) {
    const request = new Request(input);
    return bytesOf(events[entryPoint]?.(request.json<Event<never>>(), request) as Answer, true);
  }
  const step = Object.hasOwn(LIFECYCLE, entryPoint) ? LIFECYCLE[entryPoint as keyof typeof LIFECYCLE] : undefined;
  if (step === undefined) throw new Failure(`the plugin has no entry point ${entryPoint}`);
  return bytesOf(lifecycle[step]?.() as Answer, true);
}

export function bytesOf(answer: Answer, isIgnored = false): Uint8Array {
  if (answer instanceof Promise) throw new TypeError("a handler answers at once: host functions wait by themselves, so there is nothing to await");
  if (isIgnored || answer === undefined) return new Uint8Array(0);
  if (answer instanceof Uint8Array) return answer;
  return typeof answer === "string" ? new TextEncoder().encode(answer) : encodeJson(answer);
}

/** The author's line, which is not one of this package. */
const PLACE = /(?:^|[\s(])\/?((?!node_modules\/@bulkhead\/sdk\/)[^\s()]+):(\d+):\d+/m;

/** A failure's message; a mistake's with its place. */
function describe(thrown: unknown): string {
  if (thrown instanceof Failure || thrown instanceof HostError) return thrown.message;
  if (!(thrown instanceof Error)) return `threw ${String(thrown)}`;
  const place = PLACE.exec(thrown.stack ?? "");
  return `${thrown.name}: ${thrown.message}${place === null ? "" : ` (${place[1]}:${place[2]})`}`;
}
