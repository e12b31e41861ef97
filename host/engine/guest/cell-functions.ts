// The host functions that are answered where the guest runs. They touch only the plugin's own things, so they need no permission; all others are
// asked of the host (core/host-functions.ts).

import { HostError, toHostError } from "../../core/errors.ts";
import { escapeControls } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogLevel } from "../../core/ports/log.ts";
import type { KeyRange, ScanRange } from "../../core/ports/storage.ts";
import type { Bytes, Caller, Limits, StorageSide } from "../../core/types.ts";
import type {
  StorageChange,
  StorageCheck,
  StorageCommitOutcome,
  StorageLogged,
  StoragePage,
  StorageVersioned,
  WitFunction,
  WitParams,
  WitResult,
} from "../../core/wit.ts";
import { decodeAll, encodeError, encodeResultView } from "./blocks.ts";
import { digest, equal, hmac, verifySignature } from "./crypto.ts";
import { fillRandom, type Randomness } from "./random.ts";

const MAX_LOG_LINE_LENGTH = 8 * 1024;
const MAX_RANDOM_BYTES = 65_536;

/**
 * The plugin's storage as wit/ has it: checks keys, sizes and ranges itself. Throws HostError `invalid-message` or `quota-exceeded` for what would be too much at
 * once, and what the driver throws.
 */
export interface CellStorage {
  get(key: string): Bytes | undefined;
  set(key: string, value: Bytes): void;
  delete(key: string): boolean;
  getMany(keys: readonly string[]): (Bytes | undefined)[];
  apply(changes: readonly StorageChange[]): void;
  keys(range: KeyRange): string[];
  getVersioned(key: string): StorageVersioned | undefined;
  commit(checks: readonly StorageCheck[], changes: readonly StorageChange[]): StorageCommitOutcome;
  scan(range: Omit<ScanRange, "maxBytes">): StoragePage;
  changes(after: number, limit: number): readonly StorageLogged[];
  close(): void;
}

/** What a cell function can reach: one plugin's own things and the current turn. */
export interface CellScope extends Randomness {
  readonly storage: CellStorage;
  readonly config: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "payloadBytes">;
  readonly caller: Caller;
  log(level: LogLevel, message: string): void;
  /** Told of every failure that is the host's own fault. */
  reportFault(fault: unknown): void;
}

/** Answers a view that is valid until the next host function answers. */
export type CellFunction = (scope: CellScope, args: readonly Bytes[]) => Bytes;

/**
 * Answered from memory or a clock at the cost of entering the host, so that CPU time alone bounds them: `limits.hostCalls` does not count them while an
 * answer is short.
 */
export const FREE_FUNCTIONS: ReadonlySet<string> = new Set<WitFunction>([
  "services.current-caller",
  "services.current-principal",
  "config.get",
  "clock.now",
  "clock.monotonic",
  "random.bytes",
]);
/** Up to here a call of those takes about a microsecond or two, randomness included. */
export const FREE_BYTES = 1_024;

// Nothing is thrown across the Wasm line: what `run` throws becomes the tagged error.
function inCell<F extends WitFunction>(
  name: F,
  run: (scope: CellScope, ...args: WitParams<F>) => WitResult<F>,
): readonly [F, CellFunction] {
  const answer: CellFunction = (scope, args) => {
    try {
      return encodeResultView(name, run(scope, ...decodeAll(name, args)));
    } catch (thrown) {
      const error = toHostError(thrown);
      if (error.code === "internal" || error.cause !== undefined) scope.reportFault(error);
      return encodeError(error);
    }
  };
  return [name, answer];
}

/** One line, its control characters escaped and its length bounded. */
export function writeLog(scope: CellScope, level: LogLevel, message: string): void {
  const cut = message.length > MAX_LOG_LINE_LENGTH;
  const line = escapeControls(cut ? message.slice(0, MAX_LOG_LINE_LENGTH) : message);
  scope.log(level, cut ? `${line}… (cut, it had ${message.length} characters)` : line);
}

function randomBytes(scope: CellScope, length: number): Bytes {
  if (length > MAX_RANDOM_BYTES) {
    throw new HostError("invalid-message", `${length} random bytes asked for; the limit is ${MAX_RANDOM_BYTES} a call`);
  }
  const bytes = new Uint8Array(length);
  fillRandom(scope, bytes);
  return bytes;
}

/** By their names in wit/. */
export const CELL_FUNCTIONS: ReadonlyMap<string, CellFunction> = new Map([
  inCell("log.write", writeLog),
  inCell("services.current-caller", (scope) => scope.caller),
  inCell("services.current-principal", (scope) => scope.caller.principal),
  inCell("storage.get", (scope, key) => scope.storage.get(key)),
  inCell("storage.set", (scope, key, data) => scope.storage.set(key, data)),
  inCell("storage.delete", (scope, key) => scope.storage.delete(key)),
  inCell("storage.get-many", (scope, keys) => scope.storage.getMany(keys)),
  inCell("storage.apply", (scope, changes) => scope.storage.apply(changes)),
  inCell("storage.keys", (scope, prefix, after, limit) => scope.storage.keys({ prefix, after, limit })),
  inCell("storage.get-versioned", (scope, key) => scope.storage.getVersioned(key)),
  inCell("storage.commit", (scope, checks, changes) => scope.storage.commit(checks, changes)),
  inCell("storage.scan", (scope, prefix, after, limit, reverse) => scope.storage.scan({ prefix, after, limit, reverse })),
  inCell("storage.changes", (scope, after, limit) => scope.storage.changes(after, limit)),
  inCell("config.get", (scope, key) => (Object.hasOwn(scope.config, key) ? scope.config[key] : undefined)),
  inCell("clock.now", (scope) => Math.floor(scope.clock.now())),
  inCell("clock.monotonic", (scope) => Math.floor(scope.clock.monotonicMs() * 1e6)),
  inCell("random.bytes", randomBytes),
  inCell("crypto.digest", ({ limits }, algorithm, message) => digest(limits, algorithm, message)),
  inCell("crypto.hmac", ({ limits }, algorithm, key, message) => hmac(limits, algorithm, key, message)),
  inCell("crypto.verify", ({ limits }, algorithm, format, key, message, signature) =>
    verifySignature(limits, { algorithm, format, key, message, signature }),
  ),
  inCell("crypto.equal", ({ limits }, one, other) => equal(limits, one, other)),
]);

/** What answers in the cell; undefined for what the host is asked. */
export function cellFunction(name: string, storage: StorageSide = "cell"): CellFunction | undefined {
  return storage === "host" && isOfStorage(name) ? undefined : CELL_FUNCTIONS.get(name);
}

const isOfStorage = (name: string): boolean => name.startsWith("storage.");
