// The last steps that the host took, for those who want to see one request in all its parts. Written over and over into the same memory, outside of the
// garbage collector's: what it kept as objects would live just long enough to cost seven times as much (docs/decisions/0041).

import { randomBytes } from "node:crypto";
import type { ReadSpans, Span, SpanKind } from "../seams.ts";
import { OTHER } from "./bounded-table.ts";
import { codeOf } from "./codes.ts";

/** A traceparent, always, and where the id of its step is. */
const ID_BYTES = 55;
const [SPAN_START, SPAN_END] = [36, 52] as const;
const SPAN_BYTES: number = SPAN_END - SPAN_START;
/** Of a subject that is longer the rest is left away. */
const SUBJECT_BYTES = 96;
const SLOT_BYTES: number = ID_BYTES + SPAN_BYTES + SUBJECT_BYTES;
/** Names of plugins, entry points, host functions, services and doors; an operator's installations bound them. */
const MAX_NAMES = 16_384;
const KINDS: readonly SpanKind[] = ["call", "turn", "host-call", "event"];
const NUMBER_OF_KIND: Readonly<Record<SpanKind, number>> = { call: 0, turn: 1, "host-call": 2, event: 3 };

/** A step that has ended; times are of the monotonic clock, in milliseconds. */
export interface Step {
  readonly kind: SpanKind;
  /** Its own, but of a host call that of its turn. */
  readonly traceparent: string;
  readonly parent: string | undefined;
  /** The plugin that took it, the door by which it came, or the source of an event. One of few. */
  readonly owner: string;
  /** The entry point or the host function. One of few. */
  readonly name: string;
  /** The service, the point or the type of events that it is about. */
  readonly subject: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly queuedMs: number;
  readonly cpuMs: number;
  /** How it ended, as codes.ts numbers it. */
  readonly code: number;
}

export class SpanRing {
  readonly #size: number;
  readonly #text: Buffer;
  /** Start, end, time in the queue, time of CPU. */
  readonly #times: Float64Array;
  /** Kind, code, and the lengths of parent and subject. */
  readonly #small: Uint8Array;
  /** Numbers of owner and name. */
  readonly #named: Uint32Array;
  readonly #owners = new NameTable();
  readonly #names = new NameTable();
  /** Of steps that have no id of their own. */
  readonly #idPrefix = randomBytes(4).toString("hex");
  #written = 0;

  constructor(size: number) {
    this.#size = size;
    this.#text = Buffer.alloc(size * SLOT_BYTES);
    this.#times = new Float64Array(size * 4);
    this.#small = new Uint8Array(size * 4);
    this.#named = new Uint32Array(size * 2);
  }

  write({ kind, traceparent, parent, owner, name, subject, startedAt, endedAt, queuedMs, cpuMs, code }: Step): void {
    const slot = this.#written % this.#size;
    this.#written += 1;
    const text = slot * SLOT_BYTES;
    const four = slot * 4;
    this.#put(traceparent, 0, ID_BYTES, text);
    this.#small[four] = NUMBER_OF_KIND[kind];
    this.#small[four + 1] = code;
    this.#small[four + 2] = parent === undefined ? 0 : this.#put(parent, SPAN_START, SPAN_END, text + ID_BYTES);
    this.#small[four + 3] = subject === undefined ? 0 : this.#put(subject, 0, SUBJECT_BYTES, text + ID_BYTES + SPAN_BYTES);
    this.#times[four] = startedAt;
    this.#times[four + 1] = endedAt;
    this.#times[four + 2] = queuedMs;
    this.#times[four + 3] = cpuMs;
    this.#named[slot * 2] = this.#owners.numberOf(owner);
    this.#named[slot * 2 + 1] = this.#names.numberOf(name);
  }

  /** Those from a position on that are still there; `epochMs` is the time of day at the monotonic clock's zero. */
  read(from: number, epochMs: number): ReadSpans {
    const start = Math.min(from, this.#written);
    const first = Math.max(start, this.#written - this.#size, 0);
    const spans = Array.from({ length: this.#written - first }, (_, index) => this.#at(first + index, epochMs));
    return { spans, missed: first - start, next: this.#written };
  }

  #at(position: number, epochMs: number): Span {
    const slot = position % this.#size;
    const text = slot * SLOT_BYTES;
    const four = slot * 4;
    const [kind = 0, code = 0, parentBytes = 0, subjectBytes = 0] = this.#small.subarray(four, four + 4);
    const [startedAt = 0, endedAt = 0, queuedMs = 0, cpuMs = 0] = this.#times.subarray(four, four + 4);
    const latin1 = (start: number, length: number): string => this.#text.toString("latin1", text + start, text + start + length);
    const id = latin1(0, ID_BYTES);
    const isHostCall = KINDS[kind] === "host-call";
    return {
      kind: KINDS[kind] ?? "turn",
      traceId: id.slice(3, 35),
      spanId: isHostCall ? this.#idPrefix + (position % 2 ** 32).toString(16).padStart(8, "0") : id.slice(SPAN_START, SPAN_END),
      parentSpanId: isHostCall ? id.slice(SPAN_START, SPAN_END) : parentBytes === 0 ? undefined : latin1(ID_BYTES, parentBytes),
      isSampled: id.endsWith("1"),
      owner: this.#owners.nameOf(this.#named[slot * 2] ?? 0),
      name: this.#names.nameOf(this.#named[slot * 2 + 1] ?? 0),
      subject: subjectBytes === 0 ? undefined : latin1(ID_BYTES + SPAN_BYTES, subjectBytes),
      startMs: epochMs + startedAt,
      durationMs: endedAt - startedAt,
      queuedMs,
      cpuMs,
      code: codeOf(code),
    };
  }

  // Byte by byte, which is a third of what Buffer's own writing takes for texts this short. Returns how many there were.
  #put(text: string, start: number, end: number, at: number): number {
    const bytes = this.#text;
    const to = Math.min(end, text.length);
    const shift = at - start;
    for (let i = start; i < to; i += 1) bytes[i + shift] = text.charCodeAt(i);
    return Math.max(0, to - start);
  }
}

/** Numbers for names, of which there are so many at most. The same one often comes several times in a row. */
class NameTable {
  readonly #names: string[] = [OTHER];
  readonly #numbers = new Map<string, number>();
  #last: string | undefined;
  #lastNumber = 0;

  numberOf(name: string): number {
    if (name !== this.#last) {
      this.#lastNumber = this.#numbers.get(name) ?? this.#add(name);
      this.#last = name;
    }
    return this.#lastNumber;
  }

  nameOf(number: number): string {
    return this.#names[number] ?? OTHER;
  }

  #add(name: string): number {
    if (this.#names.length >= MAX_NAMES) return 0;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }
}
