// What a cell writes down of turns so that they can be run again: what the guest was told from outside, in the order in which it asked. A cell may lie; whoever
// reads a tape takes it for an attacker's.

import { z } from "zod";
import { type ErrorShape, HostError, isHostErrorCode } from "../core/errors.ts";
import type { Caller } from "../core/types.ts";
import { isJsonWithin } from "./json.ts";

const KIB = 1_024;
const MIB = KIB * KIB;
/** What is kept of one turn: names, arguments, answers, random bytes, and 24 bytes for each look at a clock. */
export const MAX_TURN_BYTES: number = MIB;
/** What is kept of the turns before it that made its instance what it is, inputs included. */
export const MAX_BEFORE_BYTES: number = MIB;
/** All of a tape as text. */
export const MAX_TAPE_BYTES: number = 4 * MIB;
/** Tapes that leave a cell for one plugin in a minute; beyond that its failures are not kept. */
export const TAPES_PER_MINUTE = 30;
/** What is counted for a look at a clock, and for a call beside its bytes. */
export const CLOCK_BYTES = 24;
export const CALL_BYTES = 96;
/** What is counted for a turn beside what it was told. */
export const TURN_BYTES = 256;

const MAX_VALUES = 300_000;
/** Schemas of a plugin nest. */
const MAX_DEPTH = 64;
const MAX_CALLS = 20_000;
const MAX_TURNS = 5_000;

/** A call of a host function. Bytes are in base64. */
export interface TapedCall {
  readonly name: string;
  /** Undefined where they are not kept. */
  readonly args?: readonly string[] | undefined;
  /** Instead of arguments that may hold what is never kept: SHA-256 of the tape's salt and them, in hex. */
  readonly digest?: string | undefined;
  /** Its answer is never kept. */
  readonly masked?: boolean | undefined;
  /** A tagged block; undefined when the turn ended before it came. */
  readonly answer?: string | undefined;
}

export interface TapedTurn {
  readonly entryPoint: string;
  /** In base64. */
  readonly input: string;
  readonly caller: Caller;
  /** Whether its instance was made for it. */
  readonly isNew: boolean;
  readonly calls: readonly TapedCall[];
  /** What the clocks said, and all random bytes, each in their order. */
  readonly now: readonly number[];
  readonly monotonic: readonly number[];
  readonly random: string;
  readonly fuel: number;
  /** How the host ended it although the guest had ended well: what it wrote was not committed. */
  readonly refused?: ErrorShape | undefined;
  /** How it ended; undefined when well. */
  readonly failed?: ErrorShape | undefined;
  /** Why not all of it is here. */
  readonly cut?: string | undefined;
}

export interface Tape {
  readonly salt: string;
  /** From the making of its instance on; empty when that is not known. */
  readonly before: readonly TapedTurn[];
  /** Why the turns before it are not here. */
  readonly lost?: string | undefined;
  readonly turn: TapedTurn;
  /** Of a turn that was run again: where it did something else than before. */
  readonly diverged?: Divergence | undefined;
}

const DIVERGENCES = ["another-function", "other-arguments", "more-calls", "more-clock", "more-random", "masked", "not-kept"] as const;

export interface Divergence {
  /** Which call, clock or piece of randomness, from 0 on. */
  readonly step: number;
  readonly why: (typeof DIVERGENCES)[number];
  /** The function that was asked for, or the clock. */
  readonly asked: string;
}

const MASKED = /^(crypto|secrets|mail)\./;
/** Whether nothing but its name is ever kept of a host function. */
export const isMasked = (functionName: string): boolean => MASKED.test(functionName);

export const base64: z.ZodString = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, "no base64");
const name = z.string().min(1).max(128);
const text = z.string().max(16 * KIB);
export const shapeSchema: z.ZodType<ErrorShape> = z.strictObject({
  code: z.string().refine(isHostErrorCode, "no code of an error"),
  message: text,
  detail: text.optional(),
  reason: z.string().max(128).optional(),
  retryAfterMs: z.number().nonnegative().optional(),
}) as z.ZodType<ErrorShape>;
export const callerSchema: z.ZodType<Caller> = z.strictObject({
  kind: z.enum(["plugin", "adapter", "host"]),
  name: z.string().max(255),
  principal: z.string().max(512).optional(),
});
const turnSchema: z.ZodType<TapedTurn> = z.strictObject({
  entryPoint: name,
  input: base64,
  caller: callerSchema,
  isNew: z.boolean(),
  calls: z
    .array(
      z.strictObject({
        name,
        args: z.array(base64).max(8).optional(),
        digest: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .optional(),
        masked: z.boolean().optional(),
        answer: base64.optional(),
      }),
    )
    .max(MAX_CALLS),
  now: z.array(z.number()).max(MAX_VALUES),
  monotonic: z.array(z.number()).max(MAX_VALUES),
  random: base64,
  fuel: z.number().nonnegative(),
  refused: shapeSchema.optional(),
  failed: shapeSchema.optional(),
  cut: text.optional(),
});
export const tapeSchema: z.ZodType<Tape> = z.strictObject({
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  before: z.array(turnSchema).max(MAX_TURNS),
  lost: text.optional(),
  turn: turnSchema,
  diverged: z
    .strictObject({
      step: z.int().nonnegative(),
      why: z.enum(DIVERGENCES),
      asked: name,
    })
    .optional(),
});

/** Throws HostError `invalid-message` for what no cell of ours writes, before anything is made of it where it is too much. */
export const parseTape = (bytes: Uint8Array): Tape => parseBounded(bytes, MAX_TAPE_BYTES, tapeSchema, "the tape of the turn");

/** JSON of somebody who is not trusted. Throws HostError `invalid-message`. */
export function parseBounded<T>(bytes: Uint8Array, maxBytes: number, schema: z.ZodType<T>, what: string): T {
  const malformed = (why: string): HostError => new HostError("invalid-message", `${what} is malformed: ${why}`);
  if (bytes.length > maxBytes) throw malformed(`it has ${bytes.length} bytes; the limit is ${maxBytes}`);
  if (!isJsonWithin(bytes, { maxValues: MAX_VALUES, maxDepth: MAX_DEPTH })) throw malformed("it has too many values or nests too deep");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed("it is no JSON");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}
