// What hosts of a cluster say to each other, and what of it is taken: every name, list and number within bounds. Properties that a later build adds are passed over.

import { z } from "zod";
import { isRetryAfter, isWellFormed } from "../bounds/refusals.ts";
import { type ErrorShape, HostError, isHostErrorCode } from "../core/errors.ts";
import { escapeControls, isDottedName, isOwnName, isPattern, isPluginName } from "../core/names.ts";
import type { Caller, CloudEvent } from "../core/types.ts";
import type { CatalogService } from "../seams.ts";
import { FORMAT, type Frame, parseText } from "./frames.ts";

const MAX_TEXT = 4_096;
const MAX_DETAIL = 16_384;
const MAX_SERVICES = 2_000;
const MAX_PLUGINS = 2_000;
const MAX_PATTERNS = 4_000;
/** More hosts and plugins than may wait for each other, whatever `callDepth` a plugin has. */
const MAX_WAITING = 256;
const MAX_AUTHORITIES = 64;
const DAY_MS = 86_400_000;

/** An edition of what a host announces: of one of its runs, and growing. */
export interface Edition {
  readonly run: string;
  readonly revision: number;
}

export interface Beat extends Edition {
  /** Turns waiting or running. */
  readonly load: number;
  /** `leaving`: nobody is to ask it any more; `gone`: it answers nobody. */
  readonly state: "here" | "leaving" | "gone";
}

/** A call of a service: plain data; durations, and no clocks. Its payload stands behind it. */
export interface CallEnvelope extends Edition {
  readonly id: string;
  readonly service: string;
  readonly caller: Caller;
  readonly traceparent: string;
  readonly remainingMs: number;
  /** The plugins that wait for the answer, outermost first. */
  readonly waiting: readonly string[];
  /** Plugins whose permissions the turn needs too. */
  readonly authorities: readonly string[];
}

export type Ask = { readonly kind: "describe" } | ({ readonly kind: "call" } & CallEnvelope);

/** Behind one that is ok stand the bytes of the answer. `refused`: no turn has begun. */
export type Answer = { readonly tookMs: number } & (
  | { readonly ok: true }
  | { readonly ok: false; readonly refused: boolean; readonly error: ErrorShape }
);

export interface AnnouncedService extends Omit<CatalogService, "hosts" | "isRead"> {
  /** Whether its provider takes turns now. */
  readonly isRunning: boolean;
  readonly deadlineMs: number;
  readonly callDepth: number;
}

export interface Announcement {
  /** Those that run: that may call and publish. */
  readonly plugins: readonly string[];
  readonly services: readonly AnnouncedService[];
  /** Patterns of the types of events that its plugins subscribe to. */
  readonly hears: readonly string[];
}

export const NOTHING: Announcement = Object.freeze({ plugins: [], services: [], hears: [] });

const format = z.literal(FORMAT);
const id = z.string().regex(/^[0-9a-f-]{36}$/);
const edition = { format, run: id, revision: z.int().min(0) };
const pluginName = z.string().max(63).refine(isPluginName, "it is no name of a plugin");
const dottedName = z.string().refine(isDottedName, "it is no dotted name");
/** Of adapters, of the host's own parts, and of people as doors know them. */
const shownName = z
  .string()
  .min(1)
  .max(512)
  .refine((text) => text === escapeControls(text), "it has characters that do not show");
const traceparent = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

const beatSchema: z.ZodType<Beat> = z.object({
  ...edition,
  load: z.int().min(0).max(1_000_000_000),
  state: z.enum(["here", "leaving", "gone"]),
});

const askSchema: z.ZodType<Ask> = z.discriminatedUnion("kind", [
  z.object({ format, kind: z.literal("describe") }),
  z.object({
    ...edition,
    ...{ kind: z.literal("call"), id, service: dottedName, traceparent },
    caller: z.object({ kind: z.enum(["plugin", "adapter", "host"]), name: shownName, principal: shownName.optional() }),
    remainingMs: z.number().positive().max(DAY_MS),
    waiting: z.array(shownName).max(MAX_WAITING),
    authorities: z.array(pluginName).max(MAX_AUTHORITIES),
  }),
]);

// A code that only a later build knows is a failure like others.
const errorSchema: z.ZodType<ErrorShape> = z.object({
  code: z
    .string()
    .max(64)
    .transform((code) => (isHostErrorCode(code) ? code : "plugin-failed")),
  message: z.string().max(MAX_TEXT),
  detail: z.string().max(MAX_DETAIL).optional(),
  // Doors write it where only letters may stand.
  reason: z.string().refine(isWellFormed).optional(),
  retryAfterMs: z.number().refine(isRetryAfter).optional(),
});

const tookMs = z.number().min(0);
const answerSchema: z.ZodType<Answer> = z.discriminatedUnion("ok", [
  z.object({ format, ok: z.literal(true), tookMs }),
  z.object({ format, ok: z.literal(false), tookMs, refused: z.boolean(), error: errorSchema }),
]);

const describedSchema: z.ZodType<Edition> = z.object(edition);

const rateSchema = z.object({ perSecond: z.number().positive(), burst: z.number().positive() });
const optionalText = z.string().max(MAX_TEXT).optional();

const serviceSchema = z
  .object({
    name: dottedName,
    provider: pluginName,
    isRunning: z.boolean(),
    deadlineMs: z.number().positive().max(DAY_MS),
    callDepth: z.int().min(0).max(MAX_WAITING),
    description: optionalText,
    input: z.unknown().optional(),
    output: z.unknown().optional(),
    errors: z.record(z.string().max(64), z.string().max(MAX_TEXT)),
    rates: z.object({ perCaller: rateSchema.optional(), total: rateSchema.optional() }),
    readOnly: z.boolean(),
    idempotent: z.boolean(),
    deprecated: z.boolean(),
    public: z.boolean(),
    consumes: optionalText,
    produces: optionalText,
  })
  .refine(({ name, provider }) => isOwnName(provider, name), "it is not below its provider's name");

const announcementSchema = z.object({
  plugins: z.array(pluginName).max(MAX_PLUGINS),
  services: z.array(serviceSchema).max(MAX_SERVICES),
  hears: z.array(z.string().refine(isPattern, "it is no pattern")).max(MAX_PATTERNS),
});

// Spliced into JSON as they are by whoever hands the event on.
const eventSchema: z.ZodType<Omit<CloudEvent, "data">> = z.object({
  format,
  id: z.string().regex(/^[A-Za-z0-9-]{1,128}$/),
  source: z.string().regex(/^\/(plugins|adapters|providers)\/[A-Za-z0-9@/._-]{1,128}$/),
  type: dottedName,
  time: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  traceparent,
  contentType: z.string().max(127),
});

// All of these throw HostError `invalid-message` that says where a message is malformed.

export const readBeat = ({ head }: Frame): Beat => read(beatSchema, head, "a beat");
export const readAsk = ({ head }: Frame): Ask => read(askSchema, head, "what a host asks");
export const readAnswer = ({ head }: Frame): Answer => read(answerSchema, head, "an answer");
export const readEdition = ({ head }: Frame): Edition => read(describedSchema, head, "what a host says of itself");
export const readEvent = ({ head }: Frame): Omit<CloudEvent, "data"> => read(eventSchema, head, "an event");

/** Of its JSON text. */
export function readAnnouncement({ payload }: Frame): Announcement {
  const { services, ...rest } = read(announcementSchema, parseText(payload), "what a host provides");
  return { ...rest, services: services.map(withAllTraits) };
}

function withAllTraits({ description, input, output, consumes, produces, ...rest }: z.infer<typeof serviceSchema>): AnnouncedService {
  return { ...rest, description, input, output, consumes, produces };
}

function read<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path = [], message = "" } = parsed.error.issues[0] ?? {};
  throw new HostError("invalid-message", `${what} is malformed${path.length === 0 ? "" : ` at ${path.join(".")}`}: ${message}`);
}

/** Cut to what a message may have. */
export function tellable({ code, message, detail, reason, retryAfterMs }: ErrorShape): ErrorShape {
  return { code, message: message.slice(0, MAX_TEXT), detail: detail?.slice(0, MAX_DETAIL), reason, retryAfterMs };
}

/** As long as a text of an announcement may be. */
export const cutText = (text: string): string => text.slice(0, MAX_TEXT);
