// How the host enters a plugin: an author gives functions by the names of the manifest's entry points.

import { Failure, HostError, Refusal, refusalText } from "./host-error.ts";

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

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** What a caller of a service passed. */
export class Request {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Throws Refusal `invalid-input` for what is not UTF-8. */
  text(): string {
    try {
      return decoder.decode(this.bytes);
    } catch {
      throw new Refusal("invalid-input", "the input is not UTF-8 text");
    }
  }

  /** Throws Refusal `invalid-input` for what is no JSON. The type is the caller's promise: check what matters. */
  json<T = unknown>(): T {
    const text = this.text();
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new Refusal("invalid-input", "the input is no JSON text");
    }
  }
}

/** Bytes as they are, a text as UTF-8, nothing as no bytes, and anything else as JSON. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may answer nothing
export type Answer = Uint8Array | string | undefined | void | null | number | boolean | object;
type MaybePromise<T> = T | Promise<T>;

export interface Handlers {
  readonly onLoad?: () => MaybePromise<void>;
  readonly onStart?: () => MaybePromise<void>;
  readonly onStop?: () => MaybePromise<void>;
  readonly onUnload?: () => MaybePromise<void>;
  /** By the entry points of the manifest's subscriptions. */
  readonly events?: Readonly<Record<string, (event: Event<never>, request: Request) => MaybePromise<void>>>;
  /** By the entry points of the manifest's services. */
  readonly services?: Readonly<Record<string, (request: Request) => MaybePromise<Answer>>>;
}

const LIFECYCLE = { on_load: "onLoad", on_start: "onStart", on_stop: "onStop", on_unload: "onUnload" } as const;

/** By the names that the host enters. */
export function entryPointsOf({
  events = {},
  services = {},
  ...life
}: Handlers): ReadonlyMap<string, (input: Uint8Array) => Promise<Uint8Array>> {
  const entered = new Map<string, (input: Uint8Array) => Promise<Uint8Array>>();
  for (const [name, key] of Object.entries(LIFECYCLE)) {
    const step = life[key];
    if (step !== undefined)
      entered.set(name, async () => {
        await step();
        return NOTHING;
      });
  }
  for (const [name, handle] of Object.entries(events))
    entered.set(name, async (input) => {
      const request = new Request(input);
      await handle(request.json<Event<never>>(), request);
      return NOTHING;
    });
  for (const [name, answer] of Object.entries(services)) entered.set(name, async (input) => bytesOf(await answer(new Request(input))));
  return entered;
}

const NOTHING = new Uint8Array(0);

function bytesOf(answer: Answer): Uint8Array {
  if (answer === undefined) return NOTHING;
  if (answer instanceof Uint8Array) return answer;
  return encoder.encode(typeof answer === "string" ? answer : JSON.stringify(answer));
}

/** The author's line, which is not one of this package nor of Node. */
const PLACE = /(?:^|[\s(])(?:file:\/\/)?(?!node:)((?!\S*remote-node\/(?:src|dist)\/)[^\s()]+):(\d+):\d+/m;

/** What the host is told of what was thrown: a refusal in the way of docs/abi.md, a failure's message, a mistake's with its place. */
export function failureOf(thrown: unknown): Uint8Array {
  return encoder.encode(refusalText(thrown) ?? describe(thrown));
}

function describe(thrown: unknown): string {
  if (thrown instanceof Failure || thrown instanceof HostError) return thrown.message;
  if (!(thrown instanceof Error)) return `threw ${String(thrown)}`;
  const [, file, line] = PLACE.exec((thrown.stack ?? "").split("\n").slice(1).join("\n")) ?? [];
  // Where the process lies is nobody's affair: the last two steps of the path say which file it is.
  const place = file === undefined ? "" : ` (${file.split("/").slice(-2).join("/")}:${line})`;
  return `${thrown.name}: ${thrown.message}${place}`;
}
