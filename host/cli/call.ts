// `bulkhead call`: calls a service of the running host; or runs one export of a plugin in a sandbox, which grants nothing and keeps nothing. Prints the output.

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Command, InvalidArgumentError } from "commander";
import { admitInProcess } from "../cell/admission/admission-process.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, isDottedName, isPluginName, printable } from "../core/names.ts";
import type { CloudEvent, Limits, TurnOutcome } from "../core/types.ts";
import { API_VERSIONS } from "../core/wit.ts";
import { effectiveLimits, entryPointsOf, readModuleFolder, refuseLaterApi } from "../install/plugin-folder.ts";
import { pluginSettings } from "../manifest/configuration.ts";
import { DEFAULT_LIMITS } from "../manifest/limits.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { defaultConfig } from "../manifest/plugin-config.ts";
import { dataSchemasOf } from "../manifest/schemas.ts";
import { reasonsOf } from "../manifest/service-errors.ts";
import { openLiveHost } from "./control.ts";
import { runOnce } from "./one-shot.ts";
import { stderrLog } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say, writeBytes, writeLines } from "./terminal.ts";

const NEWLINE = 10;
/** Characters of an event's data. */
const MAX_SHOWN = 500;

interface CallOptions extends DataOptions {
  readonly input: string;
  readonly set: Readonly<Record<string, string>>;
  readonly timeout?: number;
}

export function addCall(program: Command): void {
  withDataOptions(
    program
      .command("call")
      .description(
        "call a service of the running host; or run one export of a plugin, Extism plugins too, in a sandbox without grants. The output goes to standard output",
      ),
  )
    .argument("<service|plugin>", "a service, such as devices.list; or a plugin's folder or a .wasm file")
    .argument("[export]", "of a plugin, the export to call")
    .option("-i, --input <text>", "the input: a text, @FILE for a file's bytes, - for standard input", "")
    .option("-s, --set <key=value>", "a value of the plugin's configuration; may be given often", collectPair, {})
    .option("-t, --timeout <ms>", "wall deadline and CPU budget in milliseconds", parsePositive)
    .addHelpText("after", "\nThe storage is empty and vanishes with the call; events of its own are shown; services and state are denied.")
    .action(call);
}

async function call(target: string, entryPoint: string | undefined, options: CallOptions): Promise<void> {
  const input = await readInput(options.input);
  if (entryPoint !== undefined) return runExport(target, entryPoint, input, options);
  if (!isDottedName(target))
    throw new HostError(
      "invalid-message",
      `"${printable(target)}" is no service; name one, such as devices.list, or a plugin and its export`,
    );
  const host = await openLiveHost(options);
  await write(await host.call(target, input, options.timeout));
}

async function runExport(path: string, entryPoint: string, input: Uint8Array, options: CallOptions): Promise<void> {
  const plugin = await readPlugin(path, options);
  const admitted = await admitInProcess(plugin.wasm, plugin.limits);
  if (plugin.manifest !== undefined) refuseLaterApi(plugin.manifest, admitted);
  const entryPoints = entryPointsOf(admitted, [entryPoint]);
  if (!entryPoints.includes(entryPoint))
    throw new HostError("invalid-message", `${path} has no entry point ${entryPoint}; ${admitted.exported}`);
  const { name, limits, manifest } = plugin;
  const api = API_VERSIONS.find((version) => version === manifest?.api);
  const reasons = reasonsOf(Object.values(manifest?.services ?? {}));
  const config = { ...defaultConfig(manifest?.config), ...options.set };
  const schemas = manifest === undefined ? undefined : dataSchemasOf(manifest);
  const onEvent = ({ type, data }: CloudEvent): void =>
    say(`published ${type} ${escapeControls(shortened(Buffer.from(data).toString("utf8")))}`);
  await show(await runOnce({ name, limits, config, api, reasons, schemas, admitted, entryPoint, input, log: stderrLog, onEvent }));
}

async function show({ output, usage }: Extract<TurnOutcome, { ok: true }>): Promise<void> {
  await write(output);
  if (!process.stderr.isTTY) return;
  const { cpuUs, fuel, peakMemoryBytes, hostCalls } = usage;
  say(`(${cpuUs} µs of CPU, ${fuel} fuel, ${Math.ceil(peakMemoryBytes / 1024)} KiB, ${hostCalls} host calls)`);
}

async function write(output: Uint8Array): Promise<void> {
  await writeBytes(output);
  if (process.stdout.isTTY && output.at(-1) !== NEWLINE) writeLines("");
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
  const { manifest, wasm } = await readModuleFolder(path);
  const limits = effectiveLimits(manifest, pluginSettings({}));
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
