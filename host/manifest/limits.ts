// What a plugin may use: the one table of its limits, and what follows from it. Which of them hold for a plugin is plugin-folder.ts's to say.

import { z } from "zod";
import type { Limits } from "../core/types.ts";

/** How much of the core's unit one of the user's is. */
const FACTORS = { MiB: 1_048_576, KiB: 1_024, ms: 1, count: 1 } as const;

interface Limit {
  /** As manifests and configurations write it, and messages show it. */
  readonly key: string;
  /** Of the three numbers below; only counts are whole numbers. */
  readonly unit: keyof typeof FACTORS;
  readonly default: number;
  /** Absent: whatever is more than nothing. */
  readonly minimum?: number;
  readonly maximum: number;
  /** What it bounds, in one sentence. */
  readonly meaning: string;
  /** What comes of more, in Markdown. */
  readonly beyond: string;
}

/** By the core's name, in the order in which they are documented. */
const TABLE = {
  memoryBytes: {
    key: "memoryMiB",
    unit: "MiB",
    default: 32,
    maximum: 1_024,
    meaning: "linear memory of an instance, in whole pages of 64 KiB",
    beyond: "`admission-refused` for a larger minimum; `memory.grow` answers −1",
  },
  stackBytes: {
    key: "stackKiB",
    unit: "KiB",
    default: 984,
    minimum: 64,
    maximum: 984,
    meaning: "what nested calls of one turn have for their frames; only for a plugin with a process of its own, elsewhere it is always 984",
    beyond: "`memory-exhausted`",
  },
  tableElements: {
    key: "tableElements",
    unit: "count",
    default: 100_000,
    maximum: 1_000_000,
    meaning: "what all tables have at the start, and what each can grow to",
    beyond: "`admission-refused` for more at the start; `table.grow` answers −1",
  },
  moduleBytes: {
    key: "moduleMiB",
    unit: "MiB",
    default: 24,
    maximum: 64,
    meaning: "the module without its custom sections; the core modules of a component together",
    beyond: "`admission-refused`",
  },
  blockBytes: {
    key: "blockMiB",
    unit: "MiB",
    default: 16,
    maximum: 256,
    meaning: "blocks of one turn: input, output, arguments and results of host functions; of a component also what its resources hold",
    beyond: "`memory-exhausted`",
  },
  cpuMs: {
    key: "cpuMs",
    unit: "ms",
    default: 1_000,
    maximum: 600_000,
    meaning: "CPU time of one turn, by the clock while it has a slice",
    beyond: "`cpu-exhausted`",
  },
  deadlineMs: {
    key: "deadlineMs",
    unit: "ms",
    default: 5_000,
    maximum: 600_000,
    meaning: "wall time of one turn from the moment it is queued",
    beyond: "`deadline-exceeded`",
  },
  mailboxLength: {
    key: "mailboxLength",
    unit: "count",
    default: 1_024,
    maximum: 100_000,
    meaning: "turns waiting or running",
    beyond: "`queue-full`",
  },
  payloadBytes: {
    key: "payloadMiB",
    unit: "MiB",
    default: 4,
    maximum: 64,
    meaning: "input and output of a turn, event data, service payload, each",
    beyond: "`quota-exceeded`",
  },
  storageBytes: {
    key: "storageMiB",
    unit: "MiB",
    default: 64,
    maximum: 16_384,
    meaning: "keys and values in the storage together; the file may be half as large again",
    beyond: "`quota-exceeded`",
  },
  storageKeys: {
    key: "storageKeys",
    unit: "count",
    default: 100_000,
    maximum: 100_000_000,
    meaning: "keys in the storage",
    beyond: "`quota-exceeded`",
  },
  blobBytes: {
    key: "blobMiB",
    unit: "MiB",
    default: 64,
    maximum: 1_048_576,
    meaning: "blobs together: contents, names, media types and metadata, those being written among them",
    beyond: "`quota-exceeded`",
  },
  blobs: {
    key: "blobs",
    unit: "count",
    default: 1_000,
    maximum: 100_000,
    meaning: "blobs, each of which is two files",
    beyond: "`quota-exceeded`",
  },
  stateBytes: {
    key: "stateMiB",
    unit: "MiB",
    default: 4,
    maximum: 256,
    meaning: "keys and values that the plugin has in the state that plugins share, each counted for whoever set it last",
    beyond: "`quota-exceeded`",
  },
  stateKeys: {
    key: "stateKeys",
    unit: "count",
    default: 10_000,
    maximum: 1_000_000,
    meaning: "keys that the plugin has in the shared state",
    beyond: "`quota-exceeded`",
  },
  varBytes: {
    key: "varMiB",
    unit: "MiB",
    default: 1,
    maximum: 256,
    meaning: "Extism variables of an instance, keys counted",
    beyond: "`quota-exceeded`",
  },
  cpuMsPerSecond: {
    key: "cpuMsPerSecond",
    unit: "ms",
    default: 1_000,
    maximum: 1_000,
    meaning: "CPU time within a second; the default lets a plugin keep one core busy",
    beyond: "none: the plugin waits for the next second, its turns for their deadline",
  },
  startMs: {
    key: "startMs",
    unit: "ms",
    default: 5_000,
    maximum: 600_000,
    meaning: "wall time of `on_load` and of `on_start` when the plugin starts",
    beyond: "`deadline-exceeded`, and the plugin is `failed`",
  },
  hostCalls: {
    key: "hostCalls",
    unit: "count",
    default: 100_000,
    maximum: 1_000_000_000,
    meaning:
      "host functions called in one turn. Reading clocks, the configuration, variables, who calls, and up to 1 KiB of random bytes or of these values, costs no more than the call itself: `cpuMs` alone bounds that",
    beyond: "`quota-exceeded`",
  },
  hostMsPerSecond: {
    key: "hostMsPerSecond",
    unit: "ms",
    default: 200,
    maximum: 1_000,
    meaning:
      "time within a second that the host itself works on the plugin's host functions, such as checking the JSON of large events, or reading what servers send to it; all plugins together have `hostMsPerSecond` of the host",
    beyond: "none: the answers wait, the turn for its deadline",
  },
  publishesPerSecond: {
    key: "publishesPerSecond",
    unit: "count",
    default: 10_000,
    maximum: 1_000_000,
    meaning: "events published, and messages sent, within a second",
    beyond: "`rate-limited`",
  },
  schedulesPerMinute: {
    key: "schedulesPerMinute",
    unit: "count",
    default: 60,
    maximum: 6_000,
    meaning: "turns that schedules begin within a minute; those of all plugins together are 1,200",
    beyond: "none: what comes due more waits",
  },
  logBytesPerMinute: {
    key: "logMiBPerMinute",
    unit: "MiB",
    default: 1,
    maximum: 1_024,
    meaning: "log lines within a minute, each counted with 256 bytes more",
    beyond: "none: lines are dropped, and the log says so once a minute",
  },
  mailboxBytes: {
    key: "mailboxMiB",
    unit: "MiB",
    default: 16,
    maximum: 1_024,
    meaning: "inputs of all turns waiting or running; one turn is always taken",
    beyond: "`queue-full`",
  },
  callDepth: {
    key: "callDepth",
    unit: "count",
    default: 16,
    maximum: 100,
    meaning: "plugins that wait for a turn of this one, one for the other",
    beyond: "`quota-exceeded`",
  },
} as const;

type Table = typeof TABLE;

/** Limits in the manifest (asked for) and in the configuration (granted); the smaller of both holds. */
export type LimitsInput = { readonly [N in keyof Table as Table[N]["key"]]?: number | undefined };

// `satisfies` has no declaration of its own to be isolated: so the compiler asks for a row of each limit, and for a limit of each row.
export const LIMITS: Readonly<Record<keyof Limits, Limit> & Record<Exclude<keyof Table, keyof Limits>, never>> = TABLE;

const NAMES = Object.keys(LIMITS) as (keyof Limits)[];
const limitsFrom = <T>(one: (name: keyof Limits) => T): Readonly<Record<keyof Limits, T>> =>
  Object.freeze(Object.fromEntries(NAMES.map((name) => [name, one(name)])) as Record<keyof Limits, T>);

function schemaOf({ unit, minimum, maximum, meaning }: Limit): z.ZodType<number | undefined> {
  const number = (unit === "count" ? z.int() : z.number()).max(maximum);
  return (minimum === undefined ? number.positive() : number.min(minimum)).optional().describe(meaning);
}

export const limitsSchema: z.ZodType<LimitsInput> = z.strictObject(
  Object.fromEntries(Object.values(LIMITS).map((limit) => [limit.key, schemaOf(limit)])),
);

/** The limits as the core has them; what is not given stays undefined. */
export function toLimits(input: LimitsInput): Readonly<Record<keyof Limits, number | undefined>> {
  return limitsFrom((name) => {
    const { key, unit } = TABLE[name];
    const value = input[key];
    return value === undefined ? undefined : unit === "ms" ? value : Math.floor(value * FACTORS[unit]);
  });
}

/** Limits that somebody else has written down, none of them beyond what anybody can be given; the default for what is none. */
export const knownLimits = (given: Readonly<Partial<Record<keyof Limits, number>>>): Limits =>
  limitsFrom((name) => {
    const { unit, maximum } = LIMITS[name];
    const value = given[name];
    return value !== undefined && value > 0 ? Math.min(value, maximum * FACTORS[unit]) : DEFAULT_LIMITS[name];
  });

/** What a plugin may use when neither its manifest nor the operator says otherwise. */
export const DEFAULT_LIMITS: Limits = limitsFrom((name) => LIMITS[name].default * FACTORS[LIMITS[name].unit]);
