// What a turn's failure looks like to its caller, whatever ran the guest: the first of the host's verdict, the guest's words and the trap.

import { MAX_REFUSAL_BYTES, REFUSAL_MARK, readRefusal } from "../bounds/refusals.ts";
import { type ErrorShape, HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import type { GuestEnvironment, GuestResult } from "./engine.ts";

const MAX_MESSAGE_LENGTH = 4_096;
const MAX_STACK_LINES = 8;
const decoder = new TextDecoder();

export interface Failure {
  /** What the host ended the guest with, or what was thrown out of it. */
  readonly error: unknown;
  /** What was thrown out of it, which shows where it was. */
  readonly thrown?: unknown;
  /** What the guest said about it. */
  readonly said: string | undefined;
  /** Bytes of its linear memories. */
  readonly memoryBytes: number;
}

/** The instance is to be thrown away. */
export function brokenResult({ plugin, limits }: GuestEnvironment, { error, thrown = error, said, memoryBytes }: Failure): GuestResult {
  if (error instanceof HostError) {
    const detail = guestStack(thrown);
    const where = TIMED_OUT.has(error.code) ? placeIn(detail) : "";
    const { code, message, reason, retryAfterMs } = error;
    return { ok: false, code, message: `${message}${where}`, ...(detail === "" ? {} : { detail }), reason, retryAfterMs, broken: true };
  }
  if (isStackOverflow(error)) {
    const message = `${plugin} nests calls deeper than ${limits.stackBytes} bytes of stack (limits.stackKiB)`;
    return { ok: false, code: "memory-exhausted", message, detail: guestStack(error), broken: true };
  }
  // A guest whose memory.grow was refused mostly ends in a bare `unreachable`; the numbers tell the two apart.
  const memory = memoryBytes === 0 ? "" : ` (memory ${mib(memoryBytes)} of ${mib(limits.memoryBytes)} MiB)`;
  const trap = `${plugin} trapped: ${messageOf(error)}${memory}`;
  const isOutOfMemory = memoryBytes > limits.memoryBytes - PAGE_BYTES || (said !== undefined && ALLOCATION_FAILED.test(said));
  const code = isOutOfMemory && isTrap(error) ? "memory-exhausted" : "plugin-failed";
  const limit = code === "plugin-failed" ? "" : `; the limit is ${mib(limits.memoryBytes)} MiB (limits.memoryMiB)`;
  return { ok: false, code, message: `${said ?? trap}${limit}`, detail: guestStack(error), broken: true };
}

const PAGE_BYTES = 65_536;
/** How the runtimes of languages say it before they trap. Nobody sees a growth that was refused, and a large one is refused long before the memory is full. */
const ALLOCATION_FAILED = /out of memory|memory allocation of \d+ bytes failed|MemoryError|bad_alloc/i;
const TIMED_OUT: ReadonlySet<string> = new Set(["cpu-exhausted", "deadline-exceeded"]);

// An abort ends in `unreachable`; other traps have other causes.
const isTrap = (thrown: unknown): boolean => thrown instanceof WebAssembly.RuntimeError && thrown.message === "unreachable";

/** `; it was in name`, by the first function of the guest's that has a name. */
function placeIn(stack: string): string {
  const [, name] = /^at (.+) \(wasm:/m.exec(stack) ?? [];
  return name === undefined ? "" : `; it was in ${printable(name)}`;
}

/** As much of a guest's words as anybody looks at. */
export const MAX_SAID_BYTES: number = MAX_REFUSAL_BYTES + 1;

/** How a guest ended its own turn: `refused` when it said so in the way of docs/abi.md, else `plugin-failed` with its words. */
export function failureOf(
  { plugin, api, reasons = {} }: Pick<GuestEnvironment, "plugin" | "api" | "reasons">,
  entryPoint: string,
  said: Uint8Array,
): ErrorShape {
  if (said[0] !== REFUSAL_MARK) return { code: "plugin-failed", message: textOf(said) };
  const error = readRefusal(plugin, said, Object.hasOwn(reasons, entryPoint) ? (reasons[entryPoint] ?? []) : []);
  // 0.1 knows no refusals; a later SDK makes them all the same.
  return api === "0.1" ? { code: "plugin-failed", message: error.message } : error;
}

export const textOf = (said: Uint8Array): string => asMessage(decoder.decode(said.subarray(0, MAX_MESSAGE_LENGTH)));

/** A guest's words, fit for a terminal and a log. */
export const asMessage = (said: string): string => escapeControls(said.slice(0, MAX_MESSAGE_LENGTH));

export function messageOf(thrown: unknown): string {
  if (thrown instanceof WebAssembly.Exception) return "an exception of its own was not caught";
  // The glue of a component throws errors of another realm.
  const isError = typeof thrown === "object" && thrown !== null && "message" in thrown && typeof thrown.message === "string";
  return isError ? escapeControls(thrown.message as string) : "it threw a value";
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);

// V8 has no class of its own for it, and the glue of a component has another realm's.
const isStackOverflow = (thrown: unknown): boolean =>
  typeof thrown === "object" && thrown !== null && "message" in thrown && thrown.message === "Maximum call stack size exceeded";

// Frames of the host stay with the host.
function guestStack(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
  const frames = stack.split("\n").filter((line) => line.includes("wasm://"));
  return frames
    .slice(0, MAX_STACK_LINES)
    .map((line) => escapeControls(line.trim()))
    .join("\n");
}
