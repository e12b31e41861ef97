// The host functions that are answered where the guest runs. They touch only the plugin's own things, so they need no permission;
// those that reach others are in core/host-functions.ts.

import { HostError, toHostError } from "../../core/errors.ts";
import { HOST_FUNCTIONS, type HostFunction } from "../../core/host-functions.ts";
import { escapeControls } from "../../core/names.ts";
import type { Clock, LogLevel, StorageDriver } from "../../core/ports.ts";
import type { Bytes, Caller, WitType, WitTypes, WitValues } from "../../core/types.ts";
import { decodeAll, encodeError, encodeResultView } from "./blocks.ts";

const MAX_LOG_LINE_LENGTH = 8 * 1024;
const MAX_RANDOM_BYTES = 65_536;

/** Checks keys, sizes and ranges itself. */
export interface CellStorage extends StorageDriver {
  /** Throws HostError `invalid-message` or `quota-exceeded` for what would be too much at once. */
  getMany(keys: readonly string[]): (Bytes | undefined)[];
}

/** What a cell function can reach: one plugin's own things and the current turn. */
export interface CellScope {
  readonly storage: CellStorage;
  readonly config: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly caller: Caller;
  log(level: LogLevel, message: string): void;
  /** Told of every failure that is the host's own fault. */
  reportFault(fault: unknown): void;
}

export interface CellFunction {
  readonly place: "cell";
  readonly params: readonly WitType[];
  readonly result: WitType;
  /** A view that is valid until the next host function answers. */
  answer(scope: CellScope, args: readonly Bytes[]): Bytes;
}

// Nothing is thrown across the Wasm line: what `run` throws becomes the tagged error.
function inCell<const P extends readonly WitType[], R extends WitType>(
  params: P,
  result: R,
  run: (scope: CellScope, ...args: WitValues<P>) => WitTypes[R],
): CellFunction {
  const answer: CellFunction["answer"] = (scope, args) => {
    try {
      return encodeResultView(result, run(scope, ...decodeAll(params, args)));
    } catch (thrown) {
      const error = toHostError(thrown);
      if (error.code === "internal" || error.cause !== undefined) scope.reportFault(error);
      return encodeError(error);
    }
  };
  return { place: "cell", params, result, answer };
}

/** One line, its control characters escaped and its length bounded. */
export function writeLog(scope: CellScope, level: LogLevel, message: string): void {
  const cut = message.length > MAX_LOG_LINE_LENGTH;
  const line = escapeControls(cut ? message.slice(0, MAX_LOG_LINE_LENGTH) : message);
  scope.log(level, cut ? `${line}… (cut, it had ${message.length} characters)` : line);
}

function randomBytes(length: number): Bytes {
  if (length > MAX_RANDOM_BYTES) {
    throw new HostError("invalid-message", `${length} random bytes asked for; the limit is ${MAX_RANDOM_BYTES} a call`);
  }
  return crypto.getRandomValues(new Uint8Array(length));
}

const TABLE = {
  "log.write": inCell(["level", "string"], "_", writeLog),
  "services.current-caller": inCell([], "caller", (scope) => scope.caller),
  "storage.get": inCell(["string"], "option<list<u8>>", (scope, key) => scope.storage.get(key)),
  "storage.set": inCell(["string", "list<u8>"], "_", (scope, key, data) => scope.storage.set(key, data)),
  "storage.delete": inCell(["string"], "bool", (scope, key) => scope.storage.delete(key)),
  "storage.get-many": inCell(["list<string>"], "list<option<list<u8>>>", (scope, keys) => scope.storage.getMany(keys)),
  "storage.apply": inCell(["list<change>"], "_", (scope, changes) => scope.storage.apply(changes)),
  "storage.keys": inCell(["string", "option<string>", "u32"], "list<string>", (scope, prefix, after, limit) =>
    scope.storage.keys({ prefix, after, limit }),
  ),
  "config.get": inCell(["string"], "option<string>", (scope, key) => (Object.hasOwn(scope.config, key) ? scope.config[key] : undefined)),
  "clock.now": inCell([], "u64", (scope) => Math.floor(scope.clock.now())),
  "clock.monotonic": inCell([], "u64", (scope) => Math.floor(scope.clock.monotonicMs() * 1e6)),
  "random.bytes": inCell(["u32"], "list<u8>", (_scope, length) => randomBytes(length)),
} as const satisfies Record<string, CellFunction>;

/** Every function that a guest can ask for, wherever it is answered, by its name in wit/. */
export const FUNCTIONS: ReadonlyMap<string, CellFunction | HostFunction> = new Map<string, CellFunction | HostFunction>([
  ...Object.entries(TABLE),
  ...HOST_FUNCTIONS,
]);
