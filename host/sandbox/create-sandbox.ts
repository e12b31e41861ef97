// `createSandbox`: a cell for strangers' programs, with a core of its own that has no plugin but their contexts. Guests are entered as everywhere.

import { z } from "zod";
import { lazyStorage } from "../cell/inside/lazy-storage.ts";
import { anyCellUser, type Hardening, resolveHardening } from "../cell/outside/hardening.ts";
import { createInlineCell } from "../cell/outside/inline-cell.ts";
import { createProcessCell } from "../cell/outside/process-cell.ts";
import { createThreadCell } from "../cell/outside/thread-cell.ts";
import { HostError } from "../core/errors.ts";
import { Host } from "../core/host.ts";
import type { Cell } from "../core/ports/cell.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Limits } from "../core/types.ts";
import { createJsonLog, standard } from "../drivers/log-json/log-json.ts";
import { memoryState } from "../drivers/state/memory.ts";
import { memory } from "../drivers/storage-memory/driver.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { answersOf } from "../embedding/function-binding.ts";
import { blockCodec } from "../engine/guest/blocks.ts";
import { describeIssues } from "../manifest/issues.ts";
import { DEFAULT_LIMITS, type LimitsInput, limitsSchema, toLimits } from "../manifest/limits.ts";
import { compileResource } from "../manifest/resources.ts";
import { Calls } from "./calls.ts";
import { type Context, Contexts, ENGINE, type EvaluateOptions } from "./contexts.ts";
import { checkFunctions, type SandboxFunction } from "./functions.ts";
import { admittedQuickJs } from "./quickjs.ts";

export type { Context, EvaluateOptions } from "./contexts.ts";

export interface SandboxOptions {
  /** With the keys and defaults of a plugin's (docs/configuration.md); each context has them for itself. */
  readonly limits?: LimitsInput | undefined;
  /** What a stranger's program can call, by the names that it has there. */
  readonly functions?: Readonly<Record<string, SandboxFunction>> | undefined;
  /** Where it runs: a process of its own (the default), a thread, or the program's own thread. Only a process is a wall when V8 is none. */
  readonly isolation?: "process" | "thread" | "inline" | undefined;
  /** Where the causes of what fails in functions go; JSON on standard error by default. */
  readonly log?: LogSink | undefined;
  /** Where the admitted QuickJS is remembered. Nobody else may write there; among this user's temporary files by default. */
  readonly cacheDir?: string | undefined;
}

/** A context, and what makes more of them. */
export interface Sandbox extends Context {
  /** Another global object with a memory and limits of its own, in the same cell. Rejects with HostError. */
  createContext(): Promise<Context>;
}

const optionsSchema = z.strictObject({
  limits: limitsSchema.optional(),
  functions: z.record(z.string(), z.custom<SandboxFunction>()).optional(),
  isolation: z.enum(["process", "thread", "inline"]).optional(),
  log: z.custom<LogSink>().optional(),
  cacheDir: z.string().min(1).optional(),
});

/**
 * Makes a sandbox. Rejects with HostError `invalid-message` for malformed options, and with `admission-refused` when the package quickjs-wasi, which it needs, is
 * not there. What `evaluate` and `call` reject with is a SandboxError.
 */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success)
    throw new HostError("invalid-message", "the options of createSandbox are refused", {
      detail: describeIssues(parsed.error, { input: options, schema: optionsSchema }),
    });
  const { functions = {}, isolation = "process", cacheDir, log = createJsonLog({ level: "warning" }, standard("stderr")) } = options;
  const limits = limitsOf(options.limits ?? {});
  checkFunctions(functions);
  const calls = new Calls(functions, log, limits);
  const hardening = await resolveHardening();
  const { module, report } = await admittedQuickJs(limits, hardening, cacheDir);
  const core = new Host({
    ...{ clock: systemClock, log: ownLines(log), hostMsPerSecond: 1_000, blocks: blockCodec, state: memoryState(systemClock) },
    permissions: { compile: compileResource, onCheck: () => {} },
    capabilities: answersOf(calls.declared, systemClock),
  });
  const cell = cellFor(isolation, log, hardening);
  const contexts = new Contexts({
    core,
    cell,
    calls,
    limits,
    module,
    compileBytes: report.compileBytes,
    functions: Object.keys(functions),
  });
  try {
    await contexts.start();
    const first = await contexts.create();
    const close = (): Promise<void> => contexts.close();
    return Object.freeze({
      name: first.name,
      evaluate: <T>(source: string, globals?: Readonly<Record<string, unknown>>, how?: EvaluateOptions) =>
        first.evaluate<T>(source, globals, how),
      call: <T>(name: string, ...args: readonly unknown[]) => first.call<T>(name, ...args),
      createContext: () => contexts.create(),
      [Symbol.asyncDispose]: close,
    });
  } catch (thrown) {
    await contexts.close();
    throw thrown;
  }
}

/** What a stranger's program does wrong is told by its error, once, to whoever asked for it. */
const ownLines = (log: LogSink): LogSink => ({
  write(line) {
    if (line.plugin === "host") log.write(line);
  },
});

function limitsOf(input: LimitsInput): Limits {
  const given = Object.entries(toLimits(input)).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...(Object.fromEntries(given) as Partial<Limits>) };
}

function cellFor(isolation: "process" | "thread" | "inline", log: LogSink, hardening: Hardening): Cell {
  const clock = systemClock;
  if (isolation === "inline")
    return createInlineCell({ clock, log, openStorage: (image) => lazyStorage(() => memory.open({ dir: undefined, clock }, image)) });
  const ports = { clock, log, storageDir: undefined, storageDriver: "memory" };
  if (isolation === "thread") return createThreadCell(ports);
  return createProcessCell({ ...ports, plugins: [ENGINE], hardening, user: hardening.users && anyCellUser(hardening.users) });
}
