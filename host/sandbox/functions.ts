// Functions of the program that a sandbox may call: `hostFunction` declares one by its schemas, and each call is checked by them.

import { HostError } from "../core/errors.ts";
import type { Bytes, MaybePromise } from "../core/types.ts";
import { parseJsonBytes } from "../embedding/json.ts";
import type { AnySchema } from "../embedding/provider.ts";
import { check, type InputOf, type OutputOf, type Schema } from "../embedding/schema.ts";
import { encodeValue } from "./values.ts";

const NAME = /^[A-Za-z_$][\w$]{0,63}$/;
/** What the prelude and the language itself need to be left as they are. */
const TAKEN: ReadonlySet<string> = new Set([
  "Promise",
  "globalThis",
  "undefined",
  "NaN",
  "Infinity",
  "eval",
  "Object",
  "Array",
  "JSON",
  "Error",
]);

/** What a function knows of the call that it answers. */
export interface SandboxFunctionContext {
  /** The sandbox or context that calls. */
  readonly sandbox: string;
  /** Aborts at the deadline of the evaluation, or when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface SandboxFunctionDeclaration<Args extends Schema, Result extends Schema> {
  /** Of the list of all arguments, such as `z.tuple([z.string()])`. */
  readonly args: Args;
  readonly result: Result;
}

/** Made by `hostFunction`. */
export interface SandboxFunction {
  readonly args: AnySchema;
  readonly result: AnySchema;
  readonly run: (args: never, context: SandboxFunctionContext) => unknown;
}

/**
 * Declares a function for sandboxes, which they call with `await`. Arguments are counted before they are parsed, 256 KiB and 20,000 values at most, and `run` is
 * called with what the schema makes of them. What it throws as a HostError reaches the stranger with its code and message; anything else as `plugin-failed`, with
 * the cause in the log only.
 */
export function hostFunction<Args extends Schema<unknown, readonly unknown[]>, Result extends Schema>(
  { args, result }: SandboxFunctionDeclaration<Args, Result>,
  run: (args: OutputOf<Args>, context: SandboxFunctionContext) => MaybePromise<InputOf<Result>>,
): SandboxFunction {
  return Object.freeze({ args, result, run: run as SandboxFunction["run"] });
}

/** Throws HostError `invalid-message` for a name that a stranger's program cannot have, and for what `hostFunction` has not made. */
export function checkFunctions(functions: Readonly<Record<string, SandboxFunction>>): void {
  for (const [name, made] of Object.entries(functions)) {
    if (!NAME.test(name) || TAKEN.has(name))
      throw new HostError("invalid-message", `functions.${name}: choose another name, of at most 64 letters, digits, _ and $`);
    if (typeof made?.run !== "function") throw new HostError("invalid-message", `functions.${name}: make it with hostFunction`);
  }
}

/** Resolves with the answer as JSON. Rejects with HostError for what a schema refuses, and with whatever the function throws. */
export async function runFunction(
  name: string,
  { args, result, run }: SandboxFunction,
  bytes: Bytes,
  context: SandboxFunctionContext,
): Promise<Bytes> {
  const what = `the list of arguments of ${name}`;
  const given = check(args, parseJsonBytes(bytes, what), what);
  const answer = await run(given as never, context);
  return encodeValue(checkAnswer(result, answer, name), `the answer of ${name}`);
}

// It is the program's own mistake, and none of the stranger's business.
function checkAnswer(result: AnySchema, answer: unknown, name: string): unknown {
  try {
    return check(result, answer, `the answer of ${name}`);
  } catch (thrown) {
    throw new HostError("internal", `${name} answers what its own schema refuses`, { cause: thrown });
  }
}
