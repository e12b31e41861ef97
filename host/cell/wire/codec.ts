// The binary form of the messages between host and cell. One frame a message: its kind, its id, its fields in order.

import { isRetryAfter, isWellFormed } from "../../bounds/refusals.ts";
import { type ErrorShape, HostError, isHostErrorCode } from "../../core/errors.ts";
import type { LogLevel } from "../../core/ports/log.ts";
import type { Caller, HandledEvents, PluginImage, TurnOutcome, Usage } from "../../core/types.ts";
import type { FrameReader, FrameWriter } from "./frames.ts";
import type { FromCell, ToCell } from "./protocol.ts";

const TO_CELL = [
  "load",
  "unload",
  "turn",
  "answer",
  "ping",
  "close",
  "cancel",
  "profile",
  "replay",
  "capture",
] as const satisfies ToCell["kind"][];
const FROM_CELL = ["acknowledged", "ended", "call", "log", "profiled", "recorded", "captured"] as const satisfies FromCell["kind"][];
const CALLERS = ["plugin", "adapter", "host"] as const satisfies Caller["kind"][];
const LEVELS = ["debug", "info", "warning", "error"] as const satisfies LogLevel[];

/** What the texts of a cell may have; longer ones are cut there, and what comes longer breaks the protocol. */
const MAX_MESSAGE_LENGTH = 8 * 1_024;
const MAX_DETAIL_LENGTH = 16 * 1_024;
/** A line of the log, which says itself when it was cut. */
const LINE_LENGTH = MAX_MESSAGE_LENGTH + 128;
const MAX_NAME_BYTES = 128;
const UTF8_FACTOR = 3;
const MAX_ARGUMENTS = 8;
const NO_STATE = new Uint8Array(0);
/** Of a profile. */
const MAX_STACKS = 5_000;
const MAX_STACK_BYTES = 16_384;
/** Of an error that names no time to wait. */
const NO_WAIT = -1;

function pick<T>(table: readonly T[], index: number, what: string): T {
  const found = table[index];
  if (found === undefined) throw new HostError("internal", `a frame has an unknown ${what}: ${index}`);
  return found;
}

export function writeToCell(writer: FrameWriter, message: ToCell): void {
  writer.frame(() => {
    writer.u8(TO_CELL.indexOf(message.kind));
    writer.u32(message.id);
    switch (message.kind) {
      case "load": {
        const { module, ...rest } = message.image;
        writer.text(JSON.stringify(rest));
        writer.bytes(module);
        writer.bytes(message.state ?? NO_STATE);
        break;
      }
      case "unload":
      case "capture":
        writer.text(message.plugin);
        break;
      case "profile":
        writer.text(message.plugin);
        writer.u8(message.on ? 1 : 0);
        break;
      case "turn":
        writer.text(message.plugin);
        writer.text(message.entryPoint);
        writer.u8(CALLERS.indexOf(message.caller.kind));
        writer.text(message.caller.name);
        writer.text(message.caller.principal ?? "");
        writer.text(message.traceparent);
        writer.f64(message.remainingMs);
        writeHandles(writer, message.handles);
        if (typeof message.input === "string") writer.text(message.input);
        else writer.bytes(message.input);
        break;
      case "answer":
        writer.bytes(message.block);
        break;
      case "replay":
        writer.text(message.plugin);
        writer.bytes(message.played);
        break;
      case "cancel":
      case "ping":
      case "close":
        break;
    }
  });
}

export function readToCell(reader: FrameReader): ToCell {
  reader.u32();
  const kind = pick(TO_CELL, reader.u8(), "kind");
  const id = reader.u32();
  switch (kind) {
    case "load": {
      const rest = JSON.parse(reader.text()) as Omit<PluginImage, "module">;
      const image = { ...rest, module: reader.bytes().slice() };
      const state = reader.bytes();
      return { kind, id, image, state: state.length === 0 ? undefined : state.slice() };
    }
    case "unload":
    case "capture":
      return { kind, id, plugin: reader.text() };
    case "profile":
      return { kind, id, plugin: reader.text(), on: reader.u8() === 1 };
    case "turn": {
      const plugin = reader.label();
      const entryPoint = reader.label();
      const caller = { kind: pick(CALLERS, reader.u8(), "caller"), name: reader.label(), principal: reader.label() || undefined };
      const [traceparent, remainingMs, handles] = [reader.text(), reader.f64(), readHandles(reader)];
      return { kind, id, plugin, entryPoint, caller, traceparent, remainingMs, handles, input: reader.bytes() };
    }
    case "answer":
      return { kind, id, block: reader.bytes() };
    case "replay":
      return { kind, id, plugin: reader.text(), played: reader.bytes() };
    case "cancel":
    case "ping":
    case "close":
      return { kind, id };
  }
}

export function writeFromCell(writer: FrameWriter, message: FromCell): void {
  writer.frame(() => {
    writer.u8(FROM_CELL.indexOf(message.kind));
    switch (message.kind) {
      case "acknowledged":
        writer.u32(message.id);
        writer.u8(message.error === undefined ? 1 : 0);
        if (message.error !== undefined) writeError(writer, message.error);
        break;
      case "ended":
        writer.u32(message.id);
        writeOutcome(writer, message.outcome);
        break;
      case "recorded":
        writer.u32(message.id);
        writer.bytes(message.tape);
        break;
      case "captured":
        writer.u32(message.id);
        writer.bytes(message.state);
        writer.u8(message.error === undefined ? 1 : 0);
        if (message.error !== undefined) writeError(writer, message.error);
        break;
      case "profiled":
        writer.u32(message.id);
        writer.u32(message.stacks.length);
        for (const { stack, fuel } of message.stacks) {
          writer.text(stack);
          writer.f64(fuel);
        }
        break;
      case "call":
        writer.u32(message.id);
        writer.u32(message.turn);
        writer.text(message.functionName);
        writer.u8(message.args.length);
        for (const arg of message.args) writer.bytes(arg);
        break;
      case "log":
        writer.u8(LEVELS.indexOf(message.level));
        writer.text(message.plugin);
        writer.text(cut(message.message, LINE_LENGTH));
        writer.text(message.traceparent ?? "");
        writer.text(cut(message.cause ?? "", MAX_DETAIL_LENGTH));
        break;
    }
  });
}

export function readFromCell(reader: FrameReader): FromCell {
  reader.u32();
  const kind = pick(FROM_CELL, reader.u8(), "kind");
  switch (kind) {
    case "acknowledged":
      return { kind, id: reader.u32(), error: reader.u8() === 1 ? undefined : readError(reader) };
    case "ended":
      return { kind, id: reader.u32(), outcome: readOutcome(reader) };
    case "recorded":
      return { kind, id: reader.u32(), tape: reader.bytes() };
    case "captured":
      return { kind, id: reader.u32(), state: reader.bytes().slice(), error: reader.u8() === 1 ? undefined : readError(reader) };
    case "profiled": {
      const id = reader.u32();
      const count = reader.u32();
      if (count > MAX_STACKS) throw new HostError("internal", `a cell tells of ${count} stacks; the limit is ${MAX_STACKS}`);
      return { kind, id, stacks: Array.from({ length: count }, () => ({ stack: reader.text(MAX_STACK_BYTES), fuel: amount(reader) })) };
    }
    case "call": {
      const id = reader.u32();
      const turn = reader.u32();
      const functionName = reader.text(MAX_NAME_BYTES);
      const count = reader.u8();
      if (count > MAX_ARGUMENTS) throw new HostError("internal", `a host function is called with ${count} arguments`);
      const args = Array.from({ length: count }, () => reader.bytes());
      return { kind, id, turn, functionName, args };
    }
    case "log": {
      const level = pick(LEVELS, reader.u8(), "level");
      const plugin = reader.text(MAX_NAME_BYTES);
      const message = reader.text(UTF8_FACTOR * LINE_LENGTH);
      const traceparent = reader.text(MAX_NAME_BYTES) || undefined;
      return { kind, level, plugin, message, traceparent, cause: reader.text(UTF8_FACTOR * MAX_DETAIL_LENGTH) || undefined };
    }
  }
}

const NO_EVENTS = 0;
const ONE_EVENT = 1;
const BATCH = 2;

function writeHandles(writer: FrameWriter, handles: HandledEvents | undefined): void {
  writer.u8(handles === undefined ? NO_EVENTS : handles.isBatch ? BATCH : ONE_EVENT);
  if (handles === undefined) return;
  writer.text(handles.subscription);
  writer.u8(handles.ids.length);
  for (const id of handles.ids) writer.text(id);
}

function readHandles(reader: FrameReader): HandledEvents | undefined {
  const kind = reader.u8();
  if (kind === NO_EVENTS) return undefined;
  const subscription = reader.text();
  return { subscription, ids: Array.from({ length: reader.u8() }, () => reader.text()), isBatch: kind === BATCH };
}

function writeOutcome(writer: FrameWriter, outcome: TurnOutcome): void {
  const { fuel, cpuUs, runUs, peakMemoryBytes, hostCalls } = outcome.usage;
  for (const amount of [fuel, cpuUs, runUs, peakMemoryBytes, hostCalls]) writer.f64(amount);
  writer.u8(outcome.ok ? 1 : 0);
  if (outcome.ok) {
    writer.bytes(outcome.output);
    const before = outcome.handledBefore ?? [];
    writer.u8(before.length);
    for (const index of before) writer.u8(index);
  } else {
    writeError(writer, outcome.error);
    writer.u8(outcome.broken === true ? 1 : 0);
  }
}

function readOutcome(reader: FrameReader): TurnOutcome {
  const [fuel, cpuUs, runUs] = [amount(reader), amount(reader), amount(reader)];
  const usage: Usage = { fuel, cpuUs, runUs, peakMemoryBytes: amount(reader), hostCalls: amount(reader) };
  if (reader.u8() === 1) {
    const output = reader.bytes();
    const count = reader.u8();
    return { ok: true, output, usage, handledBefore: count === 0 ? undefined : Array.from({ length: count }, () => reader.u8()) };
  }
  return { ok: false, error: readError(reader), usage, broken: reader.u8() === 1 };
}

function writeError(writer: FrameWriter, error: ErrorShape): void {
  writer.text(error.code);
  writer.text(error.reason ?? "");
  writer.f64(error.retryAfterMs ?? NO_WAIT);
  writer.text(cut(error.message, MAX_MESSAGE_LENGTH));
  writer.text(cut(error.detail ?? "", MAX_DETAIL_LENGTH));
}

function readError(reader: FrameReader): ErrorShape {
  const code = reader.text(MAX_NAME_BYTES);
  const reason = reader.text(MAX_NAME_BYTES) || undefined;
  const wait = reader.f64();
  const message = reader.text(UTF8_FACTOR * MAX_MESSAGE_LENGTH);
  const detail = reader.text(UTF8_FACTOR * MAX_DETAIL_LENGTH) || undefined;
  // Guests choose reasons, so a cell that is well has looked at them.
  if (reason === undefined ? code === "refused" : code !== "refused" || !isWellFormed(reason))
    throw new HostError("internal", "a cell gives a reason that is none, or a refusal without one");
  if (wait !== NO_WAIT && !isRetryAfter(wait)) throw new HostError("internal", "a cell says to wait for what nobody can wait");
  const retryAfterMs = wait === NO_WAIT ? undefined : wait;
  return { code: isHostErrorCode(code) ? code : "internal", message, detail, reason, retryAfterMs };
}

function amount(reader: FrameReader): number {
  const value = reader.f64();
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new HostError("internal", "a cell says that a turn used what nothing can use");
}

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);
