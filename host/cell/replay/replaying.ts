// Runs a recorded turn again in a cell, with the turns before it that made its instance what it was. Nothing that it asks for is done: its tape answers. Then
// says whether it ended as before, and where it did something else.

import { digestOfModule } from "../../bounds/module-digest.ts";
import { parseTape } from "../../bounds/parse-tape.ts";
import type { TurnRecord } from "../../bounds/turn-record.ts";
import { type Divergence, MAX_TURN_BYTES, type Tape, type TapedTurn } from "../../bounds/turn-tape.ts";
import { type ErrorShape, HostError } from "../../core/errors.ts";
import { Mailbox } from "../../core/mailbox.ts";
import type { Cell, RecordedTurn } from "../../core/ports/cell.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogLine, LogSink } from "../../core/ports/log.ts";
import { startTrace } from "../../core/trace.ts";
import type { Bytes, Limits, PluginImage, TurnOutcome } from "../../core/types.ts";

/** Another machine may be slower, and what a turn did in time is replayed by fuel and not by the clock. */
const CPU_FACTOR = 4;
const MIN_CPU_MS = 10_000;
const TIMEOUT_MS = 120_000;
/** All turns together. */
const TOTAL_MS = 600_000;
const MAX_LINES = 1_000;

/** A build of the plugin, admitted. */
interface Build extends Pick<PluginImage, "module" | "compileBytes"> {
  readonly entryPoints: readonly string[];
  /** As its manifest says; as was recorded where there is none. */
  readonly declared?: Pick<PluginImage, "api" | "reasons" | "schemas"> | undefined;
}

/** A cell that can begin with an instance as it was. */
interface ReplayCell extends Omit<Cell, "load"> {
  load(image: PluginImage, hold?: undefined, state?: Bytes): Promise<undefined>;
}

export interface ReplayPorts {
  readonly clock: Clock;
  /** For this plugin alone. */
  makeCell(ports: { readonly log: LogSink; readonly onRecorded: (turn: RecordedTurn) => void }): ReplayCell;
}

export interface ReplayRequest {
  readonly record: TurnRecord;
  readonly build: Build;
  /** Answers that no record has, by host function: bytes, or the JSON of what it answers. */
  readonly answers?: Readonly<Record<string, Uint8Array>> | undefined;
}

type Verdict =
  /** It ended as before. */
  | "same"
  /** It was told all that it asked for and ended otherwise. */
  | "different"
  /** It asked for something else than before. */
  | "diverged"
  /** It asked for an answer that is never recorded. */
  | "needs-answer"
  /** It asked for more than is kept of it. */
  | "incomplete";

export interface Replayed {
  readonly verdict: Verdict;
  /** What `verdict` means here, in a sentence. */
  readonly why: string;
  readonly recorded: ErrorShape;
  /** How it ended now; undefined when well. */
  readonly error: ErrorShape | undefined;
  /** In base64; undefined when it failed. */
  readonly output: string | undefined;
  readonly fuel: { readonly recorded: number; readonly replayed: number };
  readonly calls: { readonly recorded: number; readonly replayed: number };
  /** Whether the module is the one that failed, byte by byte. */
  readonly build: "same" | "another";
  /** How many turns before it were run first. */
  readonly before: number;
  /** What makes the replay less than exact. */
  readonly notes: readonly string[];
  /** What the guest wrote meanwhile. */
  readonly lines: readonly Pick<LogLine, "level" | "message">[];
  readonly divergence: Divergence | undefined;
}

/** Rejects with HostError when the build does not load. */
export async function replay({ record, build, answers = {} }: ReplayRequest, { clock, makeCell }: ReplayPorts): Promise<Replayed> {
  const lines: LogLine[] = [];
  const tapes: RecordedTurn[] = [];
  const log: LogSink = { write: (line) => void (lines.length < MAX_LINES && lines.push(line)) };
  const image = imageOf(record, build);
  await using cell = makeCell({ log, onRecorded: (turn) => tapes.push(turn) });
  const state = stateOf(record, build);
  await cell.load(image, undefined, state);
  const played = playedOf(record, answers);
  const mailbox = new Mailbox({
    ...{ plugin: image.name, cell, clock, limits: () => image.limits, onTurn() {}, onHeldTurn() {}, onIdle() {} },
    answer: () => Promise.reject(new HostError("conflict", "nothing is done for a turn that is played back")),
  });
  const encoder = new TextEncoder();
  const latest = clock.monotonicMs() + TOTAL_MS;
  for (const { turn, text } of played) {
    await cell.replay?.(image.name, encoder.encode(text));
    const deadline = Math.min(latest, clock.monotonicMs() + TIMEOUT_MS);
    const context = { caller: turn.caller, traceparent: startTrace(), deadline, waiting: [], authorities: [] };
    const isLast = turn === played.at(-1)?.turn;
    if (isLast) lines.length = 0;
    const outcome = await mailbox.pass(turn.entryPoint, Buffer.from(turn.input, "base64"), context);
    const tape = tapes.at(-1);
    tapes.length = 0;
    if (isLast) return judged({ record, build, outcome, tape: tape && parseTape(tape.tape), lines, before: played.length - 1 });
    const problem = tape === undefined ? "its cell died" : parseTape(tape.tape).diverged?.why;
    if (problem !== undefined) return strayedBefore(record, build, { outcome, tape: tape && parseTape(tape.tape), lines, before: 0 });
  }
  throw new HostError("internal", "a record without a turn was replayed");
}

function imageOf({ plugin, image, tape }: TurnRecord, { module, compileBytes, entryPoints, declared }: Build): PluginImage {
  const { moduleSha256: _, ...recorded } = image;
  const limits: Limits = {
    ...recorded.limits,
    cpuMs: Math.max(MIN_CPU_MS, CPU_FACTOR * recorded.limits.cpuMs),
    cpuMsPerSecond: 1_000,
    deadlineMs: TIMEOUT_MS,
    startMs: TIMEOUT_MS,
  };
  return {
    ...recorded,
    ...declared,
    name: plugin,
    module,
    compileBytes,
    entryPoints,
    limits,
    tape: "replay",
    keepsState: tape.state !== undefined,
  };
}

/** Means nothing to another module. */
const stateOf = ({ tape, image }: TurnRecord, { module }: Build): Bytes | undefined =>
  tape.state === undefined || tape.turn.isNew || digestOfModule(module) !== image.moduleSha256
    ? undefined
    : Buffer.from(tape.state, "base64");

function playedOf({ tape, input, error }: TurnRecord, answers: Readonly<Record<string, Uint8Array>>): { turn: TapedTurn; text: string }[] {
  const given = Object.fromEntries(Object.entries(answers).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]));
  // How it ended is the host's word.
  const failed = tape.turn.refused === undefined ? error : undefined;
  const turns: TapedTurn[] = [...tape.before, { ...tape.turn, input, failed }];
  return turns.map((turn) => ({ turn, text: JSON.stringify({ salt: tape.salt, turn, answers: given }) }));
}

interface Run {
  readonly outcome: TurnOutcome;
  readonly tape: Tape | undefined;
  readonly lines: readonly LogLine[];
  readonly before: number;
}

function judged({ record, build, ...run }: Run & { readonly record: TurnRecord; readonly build: Build }): Replayed {
  const { outcome, tape } = run;
  const error = outcome.ok ? undefined : outcome.error;
  const common = commonOf(record, build, run);
  const diverged = tape?.diverged;
  if (tape !== undefined && diverged !== undefined) return { ...common, ...strayed(record.tape.turn, tape, diverged) };
  if (error === undefined) return { ...common, verdict: "different", why: "it ends well" };
  const isSame = error.code === record.error.code && (isByTime(error) || error.message === record.error.message);
  if (isSame) return { ...common, verdict: "same", why: `it ends as it did: ${error.code}: ${error.message}` };
  return { ...common, verdict: "different", why: `it ends with ${error.code}: ${error.message}` };
}

/** A turn before the one that failed did something else. */
function strayedBefore(record: TurnRecord, build: Build, run: Run): Replayed {
  const { tape } = run;
  const diverged = tape?.diverged;
  const common = commonOf(record, build, run);
  if (diverged === undefined || tape === undefined) return { ...common, verdict: "diverged", why: "in a turn before it its cell died" };
  const { verdict, why, divergence } = strayed(undefined, tape, diverged);
  return { ...common, verdict, divergence, why: `in a turn before it (${tape.turn.entryPoint}) ${why}` };
}

function commonOf(record: TurnRecord, { module }: Build, { outcome, tape, lines, before }: Run): Omit<Replayed, "verdict" | "why"> {
  const isSameBuild = digestOfModule(module) === record.image.moduleSha256;
  const { turn } = record.tape;
  return {
    recorded: record.error,
    error: outcome.ok ? undefined : outcome.error,
    output: outcome.ok ? Buffer.from(outcome.output).toString("base64") : undefined,
    fuel: { recorded: record.usage.fuel, replayed: outcome.usage.fuel },
    calls: { recorded: turn.calls.length, replayed: tape?.turn.calls.length ?? 0 },
    build: isSameBuild ? "same" : "another",
    before,
    notes: notesOf(record, isSameBuild),
    lines: lines.map(({ level, message }) => ({ level, message })),
    divergence: tape?.diverged,
  };
}

function notesOf({ tape }: TurnRecord, isSameBuild: boolean): string[] {
  const { lost, turn } = tape;
  return [
    ...(isSameBuild ? [] : ["the module is another one than the one that failed, or was admitted by another version of the host"]),
    ...(turn.isNew || lost === undefined ? [] : [`replayed from a new instance, so it may end otherwise: ${lost}`]),
    ...(turn.isNew || tape.state === undefined || isSameBuild
      ? []
      : ["replayed from a new instance, so it may end otherwise: what its instance was is kept as the other module had it"]),
    ...(turn.cut === undefined ? [] : [`the record is incomplete: ${turn.cut}`]),
  ];
}

function strayed(
  recorded: TapedTurn | undefined,
  { turn }: Tape,
  divergence: Divergence,
): Pick<Replayed, "verdict" | "why" | "divergence"> {
  const { step, why, asked } = divergence;
  const call = recorded?.calls[step];
  const number = step + 1;
  if (why === "masked") {
    const remedy = `give it with --answer ${asked}=FILE`;
    return {
      verdict: "needs-answer",
      divergence,
      why: `it needs the answer of ${asked} (call ${number}), which is never recorded; ${remedy}`,
    };
  }
  if (why === "not-kept") {
    return {
      verdict: "incomplete",
      divergence,
      why: `it asks for ${asked} (${number}), and no more than ${MAX_TURN_BYTES} bytes are kept of a turn`,
    };
  }
  const words = {
    "another-function": `call ${number} is ${asked}${call === undefined ? ", not what it was" : `; it was ${call.name}`}`,
    "other-arguments": `call ${number}, ${asked}, has other arguments: ${argumentsOf(turn, step)}${call === undefined ? "" : `; they were ${argumentsIn(call)}`}`,
    "more-calls": `it calls ${asked} after the last call that it made (${step} in all)`,
    "more-clock": `it reads ${asked} more often than the ${step} times that it did`,
    "more-random": "it takes more random bytes than it did",
  } as const;
  return { verdict: "diverged", divergence, why: words[why] };
}

const MAX_SHOWN = 120;
const argumentsOf = ({ calls }: TapedTurn, step: number): string => argumentsIn(calls[step] ?? {});

function argumentsIn({ args, digest }: { readonly args?: readonly string[] | undefined; readonly digest?: string | undefined }): string {
  if (args === undefined) return digest === undefined ? "unknown" : `some with the digest ${digest.slice(0, 12)}…`;
  const shown = args.map((arg) => Buffer.from(arg, "base64").toString("utf8")).join(", ");
  return JSON.stringify(shown.length <= MAX_SHOWN ? shown : `${shown.slice(0, MAX_SHOWN)}…`);
}

const isByTime = ({ code }: ErrorShape): boolean => code === "cpu-exhausted" || code === "deadline-exceeded";
