// Reads a tape that a cell has written. A cell may lie: it is taken for an attacker's.

import { z } from "zod";
import { type ErrorShape, HostError, isHostErrorCode } from "../core/errors.ts";
import type { Caller } from "../core/types.ts";
import { isJsonWithin } from "./json.ts";
import { DIVERGENCES, MAX_TAPE_BYTES, type Tape, type TapedTurn } from "./turn-tape.ts";

const KIB = 1_024;
const MAX_VALUES = 300_000;
/** Schemas of a plugin nest. */
const MAX_DEPTH = 64;
const MAX_CALLS = 20_000;
const MAX_TURNS = 5_000;

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
  state: base64.optional(),
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
