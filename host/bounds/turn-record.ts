// A turn that failed with all that it takes to run it again: what the host knows of it, and the tape of its cell. Read from files that may have been in anybody's hands.

import { z } from "zod";
import type { ErrorShape } from "../core/errors.ts";
import type { RecordedTurn } from "../core/ports/cell.ts";
import type { Caller, Limits, PluginImage, Usage } from "../core/types.ts";
import { API_VERSIONS } from "../core/wit.ts";
import { base64, callerSchema, parseBounded, shapeSchema, tapeSchema } from "./parse-tape.ts";
import { MAX_TAPE_BYTES, type Tape } from "./turn-tape.ts";

const MIB = 1_024 * 1_024;
/** The tape, the input beside it, and what the plugin's manifest says. */
export const MAX_RECORD_BYTES: number = MAX_TAPE_BYTES + 4 * MIB;

/** What a plugin is loaded with, beside its module. */
interface RecordedImage
  extends Pick<PluginImage, "entryPoints" | "limits" | "config" | "engine" | "storage" | "api" | "reasons" | "schemas"> {
  /** SHA-256 of the admitted module, in hex. */
  readonly moduleSha256: string;
}

/** What can be told of a record without what was said in the turn. */
export interface RecordHead {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly plugin: string;
  readonly version: string;
  readonly entryPoint: string;
  readonly code: string;
  readonly traceparent: string;
}

export interface TurnRecord extends RecordHead {
  readonly format: 1;
  /** The version of the host. */
  readonly bulkhead: string;
  readonly caller: Caller;
  /** In base64. */
  readonly input: string;
  readonly error: ErrorShape;
  readonly usage: Usage;
  readonly image: RecordedImage;
  readonly tape: Tape;
}

const amount = z.number().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const imageSchema = z.strictObject({
  moduleSha256: digest,
  entryPoints: z.array(z.string().max(128)).max(4_096),
  limits: z.record(z.string().max(64), amount),
  config: z.record(z.string().max(255), z.string()),
  engine: z.string().max(64).optional(),
  storage: z.enum(["cell", "host"]).optional(),
  api: z.enum(API_VERSIONS).optional(),
  reasons: z.record(z.string().max(128), z.array(z.string().max(128))).optional(),
  schemas: z.custom<PluginImage["schemas"]>((value) => value === undefined || (typeof value === "object" && value !== null)).optional(),
});
const recordSchema = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{12}$/),
  at: z.iso.datetime(),
  plugin: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  version: z.string().max(256),
  entryPoint: z.string().min(1).max(128),
  code: z.string().max(64),
  traceparent: z.string().max(128),
  bulkhead: z.string().max(64),
  caller: callerSchema,
  input: base64,
  error: shapeSchema,
  usage: z.strictObject({ fuel: amount, cpuUs: amount, runUs: amount, peakMemoryBytes: amount, hostCalls: amount }),
  image: imageSchema,
  tape: tapeSchema,
});

/** Throws HostError `invalid-message` for what is none. `limits` that are missing are for who runs it to fill in. */
export function parseTurnRecord(bytes: Uint8Array): TurnRecord {
  const parsed = parseBounded(bytes, MAX_RECORD_BYTES, recordSchema, "the record of a turn");
  const { image, ...rest } = parsed;
  return { ...rest, image: { ...image, limits: image.limits as unknown as Limits } };
}

/** As the module of a recorded plugin is admitted. */
export const keepsStateOf = ({ image }: Pick<TurnRecord, "image">): boolean => image.engine !== "extism";

export const headOf = ({ id, at, plugin, version, entryPoint, code, traceparent }: RecordHead): RecordHead => ({
  ...{ id, at, plugin, version, entryPoint, code, traceparent },
});

/** All of a record but what its cell says. */
export type HostFacts = Omit<TurnRecord, "tape">;

export interface FactsOf {
  readonly turn: RecordedTurn;
  readonly id: string;
  readonly atMs: number;
  readonly bulkhead: string;
  readonly image: PluginImage & { readonly version: string };
}

/** What the host knows of a turn that failed. Throws TypeError for one that did not. */
export function factsOf({ turn, id, atMs, bulkhead, image }: FactsOf): HostFacts {
  const { plugin, entryPoint, input, caller, traceparent, outcome } = turn;
  if (outcome.ok) throw new TypeError("a turn that ended well has no record");
  const { entryPoints, limits, config, engine, storage, api, reasons, schemas } = image;
  const { code, message, detail, reason, retryAfterMs } = outcome.error;
  return {
    ...{ format: 1, id, at: new Date(atMs).toISOString(), bulkhead, plugin, version: image.version, entryPoint, traceparent },
    ...{ code, caller, usage: outcome.usage },
    input: (typeof input === "string" ? Buffer.from(input) : Buffer.from(input.buffer, input.byteOffset, input.byteLength)).toString(
      "base64",
    ),
    error: { code, message, detail, reason, retryAfterMs },
    image: { moduleSha256: turn.moduleSha256, entryPoints, limits, config, engine, storage, api, reasons, schemas },
  };
}
