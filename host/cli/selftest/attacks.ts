// The attacks of the hostile suite: what is tried, which limit must stop it, and how one sees that it did.

/** A turn of the attacker, test/hostile/attacker.wat. */
export interface TurnAttack {
  readonly name: string;
  readonly entryPoint: string;
  readonly limit: string;
  /** Matches the error code of the turn; for a turn that is answered, its output. */
  readonly expected: RegExp;
}

/** A module that must not be admitted, test/hostile/<module>.wasm. */
export interface ModuleAttack {
  readonly name: string;
  readonly module: string;
  readonly limit: string;
  /** Matches the reasons of the refusal. */
  readonly expected: RegExp;
}

/** Limits of the attacker, small so that the suite is quick. Its payload is the word "flood". */
export const ATTACKER_LIMITS = {
  memoryMiB: 4,
  blockMiB: 2,
  cpuMs: 200,
  storageMiB: 2,
  varMiB: 0.01,
  hostCalls: 20_000,
  publishesPerSecond: 100,
  logMiBPerMinute: 0.01,
} as const;

const turn = (name: string, entryPoint: string, limit: string, expected: RegExp): TurnAttack => ({ name, entryPoint, limit, expected });

export const TURN_ATTACKS: readonly TurnAttack[] = [
  turn("endless loop", "loop", "cpuMs", /^cpu-exhausted$/),
  turn("endless mutual calls", "mutual_calls", "cpuMs", /^cpu-exhausted$/),
  turn("endless recursion without depth", "recursion", "cpuMs", /^cpu-exhausted$/),
  turn("endless dispatch through a table", "table_dispatch", "cpuMs", /^cpu-exhausted$/),
  turn("endless loop under catch_all", "catch_all", "cpuMs", /^cpu-exhausted$/),
  turn("recursion as deep as it goes", "deep_recursion", "V8's stack", /^plugin-failed$/),
  turn("exception thrown at the host", "throw_out", "the Wasm line", /^plugin-failed$/),
  turn("memory.grow flood", "grow_memory", "memoryMiB", /^plugin-failed$/),
  turn("table.grow flood", "grow_table", "100,000 elements", /^(plugin-failed|cpu-exhausted)$/),
  turn("block flood", "alloc_flood", "blockMiB", /^memory-exhausted$/),
  turn("block of negative length", "alloc_negative", "blockMiB", /^memory-exhausted$/),
  turn("forged block handle", "forged_handle", "handle check", /not the handle of a block/),
  turn("output beyond all blocks", "huge_output", "range check", /^plugin-failed$/),
  turn("copy beyond the memory", "copy_beyond", "range check", /^plugin-failed$/),
  turn("variable flood", "vars_flood", "varMiB", /^quota-exceeded$/),
  turn("host call flood", "host_calls", "hostCalls", /^quota-exceeded$/),
  turn("log flood", "log_flood", "logMiBPerMinute", /^(quota-exceeded|cpu-exhausted)$/),
  turn("storage flood", "storage_flood", "storageMiB", /quota-exceeded/),
  turn("event flood", "publish_flood", "publishesPerSecond", /rate-limited/),
  turn("call without a grant", "ungranted_call", "grants", /permission-denied/),
  turn("state without a grant", "ungranted_state", "grants", /permission-denied|invalid-message/),
  turn("call of itself", "call_self", "call-loop", /call-loop/),
  turn("trap", "trap", "the Wasm line", /^plugin-failed$/),
];

export const MODULE_ATTACKS: readonly ModuleAttack[] = [
  { name: "40 tables of 10 million elements", module: "forty-tables", limit: "maxTables", expected: /tables is 40/ },
  { name: "memory of 4 GiB from the start", module: "huge-minimum", limit: "memoryMiB", expected: /memory's minimum/ },
  { name: "imports named __proto__ and constructor", module: "odd-imports", limit: "allow-list", expected: /__proto__.*no such function/ },
];
