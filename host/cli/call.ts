// `bulkhead call`: runs one export of a plugin in a sandbox and prints its output. Grants nothing, keeps nothing.

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Command, InvalidArgumentError } from "commander";
import { admitInProcess } from "../cell/admission/admission-process.ts";
import { anyCellUser, resolveHardening } from "../cell/outside/hardening.ts";
import { createProcessCell } from "../cell/outside/process-cell.ts";
import { HostError } from "../core/errors.ts";
import { Host, type HostPorts } from "../core/host.ts";
import { escapeControls, isPluginName } from "../core/names.ts";
import { startTrace } from "../core/trace.ts";
import type { Limits, TurnOutcome } from "../core/types.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { blockCodec } from "../engine/guest/blocks.ts";
import { effectiveLimits, entryPointsOf, readPluginFolder, refuseLaterApi } from "../install/plugin-folder.ts";
import { DEFAULT_LIMITS } from "../manifest/limits.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { compileResource } from "../manifest/resources.ts";
import { say, stderrLog } from "./report.ts";

const NEWLINE = 10;
/** Characters of an event's data. */
const MAX_SHOWN = 500;

interface CallOptions {
  readonly input: string;
  readonly set: Readonly<Record<string, string>>;
  readonly timeout?: number;
}

export function addCall(program: Command): void {
  program
    .command("call")
    .description("run one export of a plugin, Extism plugins too, in a sandbox without grants; its output goes to standard output")
    .argument("<plugin>", "a plugin's folder or a .wasm file")
    .argument("<export>", "the export to call")
    .option("-i, --input <text>", "the input: a text, @FILE for a file's bytes, - for standard input", "")
    .option("-s, --set <key=value>", "a value of the plugin's configuration; may be given often", collectPair, {})
    .option("-t, --timeout <ms>", "wall deadline and CPU budget in milliseconds", parsePositive)
    .addHelpText("after", "\nThe storage is empty and vanishes with the call; events of its own are shown; services and state are denied.")
    .action(call);
}

async function call(path: string, entryPoint: string, options: CallOptions): Promise<void> {
  const input = await readInput(options.input);
  const plugin = await readPlugin(path, options);
  const admitted = await admitInProcess(plugin.wasm, plugin.limits);
  if (plugin.manifest !== undefined) refuseLaterApi(plugin.manifest, admitted);
  const { module } = admitted;
  const entryPoints = entryPointsOf(admitted, [entryPoint]);
  if (!entryPoints.includes(entryPoint)) {
    const known = entryPoints.length === 0 ? "it exports none" : `it exports ${entryPoints.join(", ")}`;
    throw new HostError("invalid-message", `${path} has no entry point ${entryPoint}; ${known}`);
  }
  const hardening = await resolveHardening();
  await using cell = createProcessCell({
    clock: systemClock,
    log: stderrLog,
    storageDir: undefined,
    plugins: [plugin.name],
    hardening,
    user: hardening.users && anyCellUser(hardening.users),
  });
  const core = new Host(hostPorts());
  core.observe({ event: ({ type, data }) => say(`published ${type} ${escapeControls(shortened(Buffer.from(data).toString("utf8")))}`) });
  const { name, limits } = plugin;
  const one = core.add({ ...NOTHING_ELSE, name, limits, module, entryPoints: [entryPoint], config: options.set }, cell);
  await one.start();
  if (one.failure !== undefined) throw HostError.fromShape(one.failure);
  const deadline = systemClock.monotonicMs() + plugin.limits.deadlineMs;
  const caller = { kind: "host", name: "call" } as const;
  const outcome = await one.enter(entryPoint, input, { caller, traceparent: startTrace(), deadline, waiting: [], authorities: [] });
  await one.stop(0);
  if (!outcome.ok) throw HostError.fromShape(outcome.error);
  show(outcome);
}

/** Of what the plugin would be in a host nothing counts but this one export. */
const NOTHING_ELSE = {
  version: "0.0.0",
  ...{ services: [], subscriptions: [], permissions: [], grants: [], dependencies: [] },
} as const;

const hostPorts = (): HostPorts => ({
  ...{ clock: systemClock, log: stderrLog, hostMsPerSecond: 1_000, blocks: blockCodec },
  permissions: { compile: compileResource, onCheck: () => {} },
});

function show({ output, usage }: Extract<TurnOutcome, { ok: true }>): void {
  process.stdout.write(output);
  if (process.stdout.isTTY && output.at(-1) !== NEWLINE) process.stdout.write("\n");
  if (!process.stderr.isTTY) return;
  const { cpuUs, fuel, peakMemoryBytes, hostCalls } = usage;
  say(`(${cpuUs} µs of CPU, ${fuel} fuel, ${Math.ceil(peakMemoryBytes / 1024)} KiB, ${hostCalls} host calls)`);
}

const shortened = (text: string): string => (text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`);

async function readPlugin(
  path: string,
  { timeout }: CallOptions,
): Promise<{ name: string; wasm: Uint8Array<ArrayBuffer>; limits: Limits; manifest?: Manifest }> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new HostError("invalid-message", `${path} is neither a plugin's folder nor a .wasm file`);
  const time = timeout === undefined ? {} : { cpuMs: timeout, deadlineMs: timeout };
  if (!info.isDirectory()) {
    const stem = basename(path)
      .replace(/\.wasm$/, "")
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-");
    const wasm = new Uint8Array(await readFile(path));
    return { name: isPluginName(stem) ? stem : "plugin", wasm, limits: { ...DEFAULT_LIMITS, ...time } };
  }
  const { manifest, wasm } = await readPluginFolder(path);
  const limits = effectiveLimits(manifest, {
    path,
    isolation: "process",
    engine: "metered",
    activation: "eager",
    idleMs: 1,
    grants: [],
    limits: {},
    config: {},
  });
  return { name: manifest.name, wasm, limits: { ...limits, ...time }, manifest };
}

async function readInput(input: string): Promise<Uint8Array> {
  if (input === "-") return buffer(process.stdin);
  if (!input.startsWith("@")) return new TextEncoder().encode(input);
  const file = input.slice(1);
  try {
    return await readFile(file);
  } catch (cause) {
    throw new HostError("invalid-message", `the input file ${file} cannot be read`, { cause });
  }
}

function collectPair(pair: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("write key=value");
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) };
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 600_000) return value;
  throw new InvalidArgumentError("write milliseconds from 1 to 600000");
}
