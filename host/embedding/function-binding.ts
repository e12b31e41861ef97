// Declared functions in a running host: their signatures for admission, and how each is answered, through the same table as every function that reaches
// others, with its permission asked for first.

import { type CallAnswer, type CallValue, declaredName, decodeCall, encodeAnswer } from "../bounds/declared-call.ts";
import { toldOnPurpose } from "../bounds/refusals.ts";
import { HostError } from "../core/errors.ts";
import type { CapabilityFunctions, CheckedCall } from "../core/ports/capability.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Bytes } from "../core/types.ts";
import { FUNCTIONS_CALL } from "../manifest/resources.ts";
import { waitFor } from "./deadline.ts";
import type { Block, DeclaredFunction, FunctionContext, HostFunctions, NumberType } from "./functions.ts";

/** Calls that the program answers at a time, of all plugins. */
const MAX_RUNNING = 256;
/** Of module and name together: they travel with each call. */
const MAX_NAMES_LENGTH = 120;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

const listed = (functions: HostFunctions): (readonly [module: string, name: string, declared: DeclaredFunction])[] =>
  Object.entries(functions).flatMap(([module, all]) => Object.entries(all).map(([name, declared]) => [module, name, declared] as const));

/**
 * What modules may import, as admission compares it. `isTaken` says which imports are the host's own. Throws HostError `invalid-message` for a name that cannot be
 * declared.
 */
export function signaturesOf(
  functions: HostFunctions,
  isTaken: (module: string, name: string) => boolean,
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const signatures: Record<string, Record<string, string>> = {};
  for (const [module, name, { params, results }] of listed(functions)) {
    const shown = `the function ${name} of ${module}`;
    if (isTaken(module, name)) throw new HostError("invalid-message", `${shown} is the host's own; choose another name`);
    if (![module, name].every(isPlain) || module.length + name.length > MAX_NAMES_LENGTH)
      throw new HostError("invalid-message", `${shown} has no fit name: write at most ${MAX_NAMES_LENGTH} visible ASCII characters in all`);
    signatures[module] = { ...signatures[module], [name]: `${params.join(",")}:${results.join(",")}` };
  }
  return signatures;
}

const isPlain = (name: string): boolean => /^[!-~]+$/.test(name) && name !== "__proto__";

/** By the names that cells ask for them. */
export function answersOf(functions: HostFunctions, clock: Clock): CapabilityFunctions {
  let running = 0;
  const answer = async (what: string, declared: DeclaredFunction, call: CheckedCall, args: readonly Bytes[]): Promise<Bytes> => {
    call.require(FUNCTIONS_CALL, declared.permission);
    const values = decodeCall(args, declared.params.length);
    if (running >= MAX_RUNNING)
      throw new HostError("queue-full", `the program answers ${running} calls of its functions, which is its limit`);
    running += 1;
    try {
      return encodeAnswer(await run(what, declared, values, call, clock));
    } finally {
      running -= 1;
    }
  };
  const rows = listed(functions).map(([module, name, declared]) => [
    declaredName(module, name),
    {
      needs: FUNCTIONS_CALL,
      answer: (call: CheckedCall, args: readonly Bytes[]) => answer(`${name} of ${module}`, declared, call, args),
    },
  ]);
  // The core knows functions of wit/ by type; these are none, and their blocks are read above.
  return Object.fromEntries(rows) as CapabilityFunctions;
}

async function run(
  what: string,
  { params, results, run: work }: DeclaredFunction,
  values: readonly CallValue[],
  call: CheckedCall,
  clock: Clock,
): Promise<CallAnswer> {
  const stored: Bytes[] = [];
  const args = values.map(({ value }, i) => argumentOf(value, params[i]));
  try {
    const answer = await waitFor<unknown>({ clock, deadline: call.deadline, cancelled: call.ended, what }, (signal) => {
      const began = clock.monotonicMs();
      try {
        return work(contextOf(call, values, stored, signal), ...(args as never[]));
      } finally {
        call.spend(clock.monotonicMs() - began);
      }
    });
    return resultOf(what, results[0], answer, stored);
  } catch (thrown) {
    const told = toldOnPurpose(thrown, []);
    if (told !== undefined) throw told;
    // The cause is the program's own, and for the host's log.
    throw new HostError("plugin-failed", `${what} failed; the host's log has the cause`, { cause: thrown });
  }
}

function contextOf({ plugin, limits }: CheckedCall, values: readonly CallValue[], stored: Bytes[], signal: AbortSignal): FunctionContext {
  return Object.freeze({
    plugin,
    signal,
    read(handle: bigint): Block | null {
      const bytes = values.find(({ value, block }) => value === handle && block !== undefined)?.block;
      return bytes === undefined ? null : blockOf(bytes);
    },
    store(data: string | Bytes): bigint {
      const bytes = typeof data === "string" ? encoder.encode(data) : data.slice();
      const size = stored.reduce((sum, { length }) => sum + length, bytes.length);
      if (size > limits.payloadBytes)
        throw new HostError(
          "quota-exceeded",
          `${size} bytes are stored for ${plugin}; the limit is ${limits.payloadBytes} (limits.payloadMiB)`,
        );
      // No handle of a guest's is negative, so this one is known when it comes back.
      return -BigInt(stored.push(bytes));
    },
  });
}

const blockOf = (bytes: Bytes): Block => ({
  bytes: () => bytes.slice(),
  text: () => decoder.decode(bytes),
  json: <T>() => JSON.parse(decoder.decode(bytes)) as T,
});

function argumentOf(value: number | bigint, type: NumberType | undefined): number | bigint {
  if ((typeof value === "bigint") !== (type === "i64"))
    throw new HostError("invalid-message", "an argument of a declared function is of another type");
  return value;
}

/** Throws TypeError for a value that is not of the declared type. */
function resultOf(what: string, type: NumberType | undefined, answer: unknown, stored: readonly Bytes[]): CallAnswer {
  if (type === undefined) return undefined;
  if (type === "i64" && typeof answer === "bigint") return stored[Number(-answer) - 1] ?? BigInt.asIntN(64, answer);
  if (type !== "i64" && typeof answer === "number") return answer;
  throw new TypeError(`${what} is declared to answer ${type === "i64" ? "a bigint" : "a number"} and answers ${typeof answer}`);
}
