// The contexts of one sandbox: each is a plugin of a core of its own, so its turns are queued, limited, paced and ended as every plugin's are.

import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Plugin } from "../core/plugin.ts";
import type { Cell } from "../core/ports/cell.ts";
import { startTrace } from "../core/trace.ts";
import type { Bytes, Limits, PluginDefinition } from "../core/types.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { parseJsonBytes } from "../embedding/json.ts";
import { referenceTo } from "../engine/quickjs/engine.ts";
import { encodeRequest, FUNCTIONS_KEY } from "../engine/quickjs/request.ts";
import { FUNCTIONS_CALL } from "../manifest/resources.ts";
import { type Calls, PERMISSION } from "./calls.ts";
import { type Failure, failureOf, refusalOf, SandboxError } from "./errors.ts";
import type { Program } from "./places.ts";
import { stripTypes } from "./strip-types.ts";
import { checkKeys, encodeValue } from "./values.ts";

/** What holds the module for all contexts of a cell. */
export const ENGINE = "quickjs";

export interface EvaluateOptions {
  /** JavaScript by default. Of TypeScript the types are taken away, in a process made for it; what is no type (enums, namespaces) is refused. */
  readonly language?: "javascript" | "typescript" | undefined;
  /** The source's name in messages. */
  readonly file?: string | undefined;
  /** Wall time; the limit `deadlineMs` holds when it is shorter. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One global object. What a program leaves there is there for the next one, unless that was lost with a limit (SandboxError `isStateLost`). */
export interface Context extends AsyncDisposable {
  /** In messages and in the log. */
  readonly name: string;
  /**
   * Runs a program and resolves with the value of its last expression, awaited. `globals` are set before, and stay. Programs of one context run one after the
   * other. Rejects with SandboxError.
   */
  evaluate<T = unknown>(source: string, globals?: Readonly<Record<string, unknown>>, options?: EvaluateOptions): Promise<T>;
  /** Calls a function that a program before has left, by its name, and resolves with its answer, awaited. Rejects with SandboxError. */
  call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T>;
}

export interface ContextsPorts {
  readonly core: Host;
  readonly cell: Cell;
  readonly calls: Calls;
  readonly limits: Limits;
  readonly module: Uint8Array<ArrayBuffer>;
  readonly compileBytes: number;
  readonly functions: readonly string[];
}

export class Contexts {
  readonly #ports: ContextsPorts;
  readonly #reference: Uint8Array<ArrayBuffer>;
  #count = 0;
  #closing: Promise<void> | undefined;

  constructor(ports: ContextsPorts) {
    this.#ports = ports;
    this.#reference = referenceTo(ports.module);
  }

  /** Loads the module. Rejects with HostError. */
  async start(): Promise<void> {
    const { core, cell, module, compileBytes } = this.#ports;
    await started(core.add(this.#definition({ name: ENGINE, module, compileBytes, entryPoints: [] }), cell));
  }

  async create(): Promise<Context> {
    if (this.#closing !== undefined) throw new HostError("plugin-not-running", "the sandbox is closed");
    const { core, cell, calls, limits } = this.#ports;
    this.#count += 1;
    const name = this.#count === 1 ? "sandbox" : `sandbox-${this.#count}`;
    const plugin = core.add(this.#definition({ name, module: this.#reference, entryPoints: ["on_load", "evaluate"] }), cell);
    const close = async (): Promise<void> => {
      await plugin.stop(0);
      if (core.plugin(name) === plugin && plugin.isDown) core.remove(name);
    };
    try {
      await started(plugin);
    } catch (thrown) {
      await close();
      throw thrown;
    }
    return Object.freeze({
      name,
      evaluate: <T>(source: string, globals: Readonly<Record<string, unknown>> = {}, how: EvaluateOptions = {}) =>
        evaluate<T>({ plugin, limits, calls }, { source, how, given: { globals } }),
      call: async <T>(called: string, ...args: readonly unknown[]) =>
        evaluate<T>({ plugin, limits, calls }, { source: nameOf(called), how: {}, given: { globals: {}, args } }),
      [Symbol.asyncDispose]: close,
    });
  }

  /** Ends what runs. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all(this.#ports.core.plugins.map((plugin) => plugin.stop(0)));
      await this.#ports.cell[Symbol.asyncDispose]();
    })();
    return this.#closing;
  }

  #definition(own: Pick<PluginDefinition, "name" | "module" | "compileBytes" | "entryPoints">): PluginDefinition {
    const allowed = { permission: FUNCTIONS_CALL, resource: PERMISSION };
    return {
      ...{ version: "0.0.0", services: [], subscriptions: [], dependencies: [], engine: ENGINE },
      limits: this.#ports.limits,
      config: { [FUNCTIONS_KEY]: JSON.stringify(this.#ports.functions) },
      permissions: [{ ...allowed, reason: "what the program gives to its sandbox" }],
      grants: [allowed],
      ...own,
    };
  }
}

async function started(plugin: Plugin): Promise<Plugin> {
  await plugin.start();
  if (plugin.failure !== undefined) throw HostError.fromShape(plugin.failure);
  return plugin;
}

interface Evaluation {
  readonly source: string;
  readonly how: EvaluateOptions;
  readonly given: { readonly globals: Readonly<Record<string, unknown>>; readonly args?: readonly unknown[] };
}

const FROM_PROGRAM = Object.freeze({ caller: Object.freeze({ kind: "host", name: "program" } as const), waiting: [], authorities: [] });
const FILE = /^[\w./@-]{1,100}$/;
const CALLED = /^[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,8}$/;
/** Beside the value: code, name, message and stack of what was thrown. */
const ENVELOPE_BYTES = 32_768;
const LONG_MS = 2 ** 30;
const encoder = new TextEncoder();

interface Place {
  readonly plugin: Plugin;
  readonly limits: Limits;
  readonly calls: Calls;
}

async function evaluate<T>({ plugin, limits, calls }: Place, { source, how, given }: Evaluation): Promise<T> {
  const { language = "javascript", deadlineMs = limits.deadlineMs, signal } = how;
  const file = how.file ?? (language === "typescript" ? "sandbox.ts" : "sandbox.js");
  const program: Program = { source, file };
  const deadline = systemClock.monotonicMs() + Math.min(deadlineMs, limits.deadlineMs);
  const evaluation = calls.open(plugin.name);
  // The host's clock keeps no process alive, and whoever awaits a program is not to end before it.
  const waiting = setInterval(() => {}, LONG_MS);
  try {
    const input = await requestOf({ id: evaluation.id, source, given, file, language }, limits);
    const outcome = await plugin.enter("evaluate", input, { ...FROM_PROGRAM, traceparent: startTrace(), deadline, cancelled: signal });
    if (outcome.ok) return valueIn(outcome.output, program, limits) as T;
    const ran = outcome.usage.cpuUs > 0;
    throw refusalOf(HostError.fromShape(outcome.error), program, { ran, broken: ran });
  } catch (thrown) {
    throw thrown instanceof SandboxError ? thrown : refusalOf(thrown, program, { ran: false, broken: false });
  } finally {
    clearInterval(waiting);
    evaluation.end();
  }
}

interface Request extends Pick<Evaluation, "source" | "given"> {
  readonly id: number;
  readonly file: string;
  readonly language: string;
}

async function requestOf({ id, source, given, file, language }: Request, limits: Limits): Promise<Bytes> {
  if (!FILE.test(file)) throw new HostError("invalid-message", "file: write at most 100 letters, digits and ./@_-");
  if (language !== "javascript" && language !== "typescript")
    throw new HostError("invalid-message", 'language: write "javascript" or "typescript"');
  if (source.length > limits.payloadBytes)
    throw new HostError(
      "quota-exceeded",
      `the program has ${source.length} characters; the limit is ${limits.payloadBytes} (limits.payloadMiB)`,
    );
  const plain = encodeValue(given.globals, "globals");
  const args = given.args === undefined ? undefined : encodeValue(given.args, "arguments");
  const all = args === undefined ? [`{"globals":`, plain, "}"] : [`{"globals":`, plain, `,"args":`, args, "}"];
  const script = language === "typescript" ? await stripTypes(source, file) : source;
  return encodeRequest({
    id,
    file: encoder.encode(file),
    given: Buffer.concat(all.map((part) => Buffer.from(part))),
    source: encoder.encode(script),
  });
}

function nameOf(called: string): string {
  if (CALLED.test(called)) return called;
  throw new SandboxError("invalid-message", "write the name of a function, such as total or cart.total");
}

function valueIn(output: Bytes, program: Program, limits: Limits): unknown {
  try {
    const said = parseJsonBytes(output, "the value", limits.payloadBytes + ENVELOPE_BYTES) as Partial<Failure> & {
      readonly ok?: unknown;
      readonly value?: unknown;
    };
    if (said.ok === true) {
      checkKeys(said.value);
      return said.value;
    }
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    throw failureOf({ code: text(said.code), name: text(said.name), message: text(said.message), stack: text(said.stack) }, program);
  } catch (thrown) {
    throw thrown instanceof SandboxError ? thrown : refusalOf(toHostError(thrown), program, { ran: true, broken: false });
  }
}
