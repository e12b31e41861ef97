// The attacks of one turn each: what is tried, what must stop it, and how one sees that it did.

import type { CloudEvent } from "../../core/types.ts";
import { hasControls } from "./world.ts";

/** What the host saw and wrote while a turn ran. */
interface Evidence {
  readonly events: readonly CloudEvent[];
  readonly logged: readonly string[];
  /** The trace that the host began the turn with. */
  readonly traceparent: string;
}

/** A turn of the attacker, test/hostile/attacker.wat. */
export interface TurnAttack {
  readonly name: string;
  readonly entryPoint: string;
  readonly limit: string;
  /** Matches the error code of the turn; for a turn that is answered, its output. */
  readonly expected: RegExp;
  /** Whether what it left behind is as it must be. */
  readonly proof?: (evidence: Evidence) => boolean;
}

/** Limits of the attacker, small so that the suite is quick. Its input is the word "flood". */
export const ATTACKER_LIMITS = {
  memoryMiB: 4,
  blockMiB: 2,
  payloadMiB: 0.5,
  cpuMs: 200,
  deadlineMs: 1_500,
  tableElements: 50_000,
  storageMiB: 2,
  storageKeys: 100,
  varMiB: 0.01,
  hostCalls: 5_000,
  publishesPerSecond: 100,
  logMiBPerMinute: 0.01,
} as const;

const turn = (name: string, entryPoint: string, limit: string, expected: RegExp, proof?: TurnAttack["proof"]): TurnAttack => ({
  name,
  entryPoint,
  limit,
  expected,
  ...(proof === undefined ? {} : { proof }),
});

const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
const fromTheAttacker = ({ events, traceparent }: Evidence): boolean =>
  events.length > 0 &&
  events.every((event) => event.source === "/plugins/attacker" && traceIdOf(event.traceparent) === traceIdOf(traceparent)) &&
  events.every(({ id, time }) => id !== "1" && time !== "1970");
const asItWasSent = (evidence: Evidence): boolean =>
  fromTheAttacker(evidence) && evidence.events.every(({ data }) => new TextDecoder().decode(data) === '{"text":"\\ud800"}');
const none = ({ events }: Evidence): boolean => events.length === 0;
const harmlessLines = ({ logged }: Evidence): boolean => logged.length === 1 && !logged.some(hasControls);

export const TURN_ATTACKS: readonly TurnAttack[] = [
  turn("endless loop", "loop", "cpuMs", /^cpu-exhausted$/),
  turn("endless mutual calls", "mutual_calls", "cpuMs", /^cpu-exhausted$/),
  turn("endless recursion without depth", "recursion", "cpuMs", /^cpu-exhausted$/),
  turn("endless dispatch through a table", "table_dispatch", "cpuMs", /^cpu-exhausted$/),
  turn("endless loop under catch_all", "catch_all", "cpuMs", /^cpu-exhausted$/),
  turn("endless loop in a finally block", "finally_loop", "cpuMs", /^cpu-exhausted$/),
  turn("recursion as deep as it goes", "deep_recursion", "stackKiB", /^memory-exhausted$/),
  turn("recursion as deep as it goes, under catch_all", "caught_recursion", "cpuMs, stackKiB", /^(cpu|memory)-exhausted$/),
  turn("exception thrown at the host", "throw_out", "the Wasm line", /^plugin-failed$/),
  turn("trap", "trap", "the Wasm line", /^plugin-failed$/),
  turn("memory.grow flood", "grow_memory", "memoryMiB", /^plugin-failed$/),
  turn("table.grow flood", "grow_table", "tableElements", /^(plugin-failed|cpu-exhausted)$/),
  turn("block flood", "alloc_flood", "blockMiB", /^memory-exhausted$/),
  turn("block of negative length", "alloc_negative", "blockMiB", /^memory-exhausted$/),
  turn("forged block handle", "forged_handle", "handle check", /not the handle of a block/),
  turn("forged block header", "forged_header", "handle check", /not the handle of a block/),
  turn("bad copy under catch_all", "caught_copy", "range check", /^plugin-failed$/),
  turn("block flood under catch_all", "caught_alloc", "blockMiB", /^memory-exhausted$/),
  turn("answers that do not fit, under catch_all", "caught_answer", "blockMiB", /^memory-exhausted$/),
  turn("output beyond all blocks", "huge_output", "range check", /^plugin-failed$/),
  turn("output of negative length", "overflow_output", "range check", /^plugin-failed$/),
  turn("output flood", "output_flood", "payloadMiB", /^quota-exceeded$/),
  turn("output that is not UTF-8", "raw_output", "bytes stay bytes", /^bytes fffeeda080e282$/),
  turn("flood in the message of an error", "error_flood", "4,096 bytes", /^plugin-failed$/),
  turn("copy beyond the memory", "copy_beyond", "range check", /^plugin-failed$/),
  turn("copy whose length wraps round", "overflow_copy", "range check", /^plugin-failed$/),
  turn("load whose end wraps round", "overflow_load", "range check", /^plugin-failed$/),
  turn("load beyond the input", "overflow_input", "range check", /^plugin-failed$/),
  turn("variable flood", "vars_flood", "varMiB", /^quota-exceeded$/),
  turn("host call flood", "host_calls", "hostCalls", /^quota-exceeded$/),
  turn("flood of host calls that are not counted", "free_calls", "cpuMs", /^cpu-exhausted$/),
  turn("log flood", "log_flood", "logMiBPerMinute", /^(quota-exceeded|cpu-exhausted)$/),
  turn("storage flood", "storage_flood", "storageMiB", /quota-exceeded/),
  turn("flood of storage keys", "storage_keys_flood", "storageKeys", /quota-exceeded.*storageKeys/),
  turn("event flood", "publish_flood", "publishesPerSecond", /rate-limited/),
  turn("answer of a host function that does not fit", "trap_in_host_call", "blockMiB", /^memory-exhausted$/),
  turn("return after the deadline", "return_late", "deadlineMs", /^deadline-exceeded$/),
  turn("strings that are not UTF-8", "not_utf8", "decoding", /^done$/, none),
  turn("names that every object has", "odd_names", "maps, not objects", /^done$/, none),
  turn("JSON that would pollute prototypes", "polluting_json", "decoding", /^done$/, fromTheAttacker),
  turn("state under names that every object has", "odd_state", "maps, not objects", /"polluted":1/),
  turn("lone surrogate escaped in JSON", "surrogate_escape", "bytes stay bytes", /^[0-9a-f-]{36}-\d+$/, asItWasSent),
  turn("terminal escapes in a log line", "terminal_escapes", "escaping", /^done$/, harmlessLines),
  turn("call without a grant", "ungranted_call", "grants", /permission-denied/),
  turn("state without a grant", "ungranted_state", "grants", /permission-denied|invalid-message/),
  turn("event of another plugin", "foreign_event", "grants", /permission-denied/, none),
  turn("event of the host", "host_event", "grants", /permission-denied/, none),
  turn("event that claims another source", "forged_event", "the host's stamp", /^[0-9a-f-]{36}-\d+$/, fromTheAttacker),
  turn("event whose data breaks out of its frame", "spliced_event", "decoding", /invalid-message/, none),
  turn("call that claims another caller", "forged_caller", "the host's stamp", /"kind":"plugin","name":"attacker"/),
  turn("call of itself", "call_self", "call-loop", /call-loop/),
];
