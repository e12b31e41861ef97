// `bulkhead serve`: runs the host of a configuration file until it is told to stop.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { getHeapStatistics } from "node:v8";
import { type Command, InvalidArgumentError } from "commander";
import { packageVersion } from "../bounds/package-version.ts";
import { Resting } from "../cell/inside/resting.ts";
import { describeCause, HostError, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { lockFileOf, readLock } from "../install/lock.ts";
import type { Reread } from "../lifecycle/reload.ts";
import { createHost, type RunningHost } from "../main.ts";
import { type Configuration, configurationOf, parseConfiguration } from "../manifest/configuration.ts";
import { EXIT } from "./exit-codes.ts";
import { say } from "./terminal.ts";

const STEP_BYTES = 32 * 1024 * 1024;

/** Where the configuration and the data are. */
export interface DataOptions {
  readonly config: string;
  readonly data?: string;
}

/** In the current folder, the first that is there, unless the command names another. */
export const DEFAULT_FILES: readonly string[] = ["bulkhead.json", "bulkhead.yaml", "bulkhead.yml", "bulkhead.toml"];
const DEFAULT_FILE = DEFAULT_FILES.find((file) => existsSync(file)) ?? "bulkhead.json";

interface ServeOptions extends DataOptions {
  readonly port?: number;
  readonly acceptVulnerableNode?: boolean;
}

/** Said otherwise, or known to the command. */
const COMES_WITH_HOST: ReadonlySet<string> = new Set(["http", "control-socket"]);

export function withDataOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration file", DEFAULT_FILE)
    .option("-d, --data <folder>", "data folder, instead of the configuration's");
}

export function addServe(program: Command): void {
  withDataOptions(program.command("serve").description("run the host until Ctrl-C; log lines go to standard output as JSON"))
    .option("-p, --port <number>", "HTTP port, instead of the configuration's", parsePort)
    .option("--accept-vulnerable-node", "let strangers' plugins run inline or as threads although V8 has known flaws")
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  let running: RunningHost | undefined;
  // Also of a terminal that closes, which must not end the host.
  process.on("SIGHUP", () => {
    say("SIGHUP: a log in a file goes on in a file of that name, and the configuration is read anew");
    running?.reopenLog();
    if (running !== undefined) void reloadAtSignal(running, options.config);
  });
  process.stderr.on("error", () => {});
  let isCrashing = false;
  // Also what rejects and nobody waits for; what a guest's own code does so never comes here (engine/component/realm.ts).
  process.on("uncaughtException", (cause) => {
    say(`the host's own code failed: ${escapeControls(describeCause(cause))}`);
    if (isCrashing) return;
    isCrashing = true;
    void (running?.crash(cause) ?? Promise.resolve()).finally(() => process.exit(EXIT.crashed));
  });
  const reread = async (): Promise<Reread> => ({
    configuration: withOverrides(await readConfiguration(options.config), options),
    lock: await readLock(lockFileOf(options.config)),
  });
  const { configuration, lock } = await reread();
  say(
    `bulkhead ${packageVersion()}: starting ${Object.keys(configuration.plugins).length} plugins of ${options.config}, data in ${configuration.dataDir}`,
  );
  const host = await createHost({ configuration, lock, reread });
  running = host;
  for (const { plugin, version, state, isolation, failure } of host.list())
    say(`  ${plugin} ${version}: ${state} (${isolation})${failure === undefined ? "" : `: ${escapeControls(failure)}`}`);
  for (const [adapter, address] of host.addresses) if (!COMES_WITH_HOST.has(adapter)) say(`  ${adapter} at ${escapeControls(address)}`);
  giveBackWhatIdles(host);
  // Whoever reads the next line may send a signal at once.
  const stopped = stopSignal();
  say(host.url === undefined ? "serving without HTTP; Ctrl-C stops" : `listening on ${host.url}; Ctrl-C stops`);
  await stopped;
  await stop(host, configuration);
}

// Reading thousands of plugins, or waking them, leaves V8 with memory that it would not need again for long.
function giveBackWhatIdles(host: RunningHost): void {
  // Nothing else runs while it is looked for, so less than such a step is not worth it.
  const heldBytes = (): number => Math.floor(getHeapStatistics().total_heap_size / STEP_BYTES) * STEP_BYTES;
  const resting = new Resting({ heldBytes });
  host.core.observe({ turn: () => resting.worked() });
  resting.worked();
}

/** Never rejects. */
async function reloadAtSignal(host: RunningHost, file: string): Promise<void> {
  try {
    const { changes } = await host.reload();
    say(`SIGHUP: ${changes.length} values of ${file} are different; "bulkhead audit" has their keys`);
    for (const { key, effect, failure } of changes)
      if (failure !== undefined) say(`  ${escapeControls(key)} was not changed: ${escapeControls(failure)}`);
      else if (effect === "restart of the host") say(`  ${escapeControls(key)} waits for a restart of the host`);
  } catch (thrown) {
    const { message, detail } = toHostError(thrown);
    say(`SIGHUP: the configuration stays as it was: ${escapeControls(message)}`);
    for (const line of (detail ?? "").split("\n")) if (line !== "") say(`  ${escapeControls(line)}`);
  }
}

/** For a command about a host: that of a program which embeds it may have a data folder and no file. Rejects like `readConfiguration`. */
export async function readConfigurationOf({ config, data }: DataOptions): Promise<Configuration> {
  const isEmbedded = data !== undefined && config === DEFAULT_FILE && !existsSync(config);
  return isEmbedded ? configurationOf({ dataDir: data }) : readConfiguration(config);
}

export async function readConfiguration(file: string): Promise<Configuration> {
  return parseConfiguration(await configurationText(file), file);
}

/** Rejects with HostError `invalid-message`. */
export async function configurationText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new HostError(
      "invalid-message",
      `${file} cannot be read; name the configuration with --config, or begin one with "bulkhead init"`,
      { cause },
    );
  }
}

export function withOverrides(
  configuration: Configuration,
  { port, data, acceptVulnerableNode }: Omit<ServeOptions, "config">,
): Configuration {
  const hardening = acceptVulnerableNode === true ? { ...configuration.hardening, acceptVulnerableNode } : configuration.hardening;
  const { http } = configuration.adapters;
  const adapters =
    port === undefined ? configuration.adapters : { ...configuration.adapters, http: { ...(typeof http === "object" ? http : {}), port } };
  return { ...configuration, adapters, hardening, dataDir: data === undefined ? configuration.dataDir : resolve(data) };
}

async function stop(host: RunningHost, configuration: Configuration): Promise<void> {
  say(`stopping: queued turns get up to ${configuration.drainMs} ms; Ctrl-C again ends at once`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(EXIT.failed));
  await host.stop();
  say("stopped");
  process.exit(EXIT.ok);
}

/** Resolves at Ctrl-C or SIGTERM. */
export function stopSignal(): Promise<void> {
  // Nothing else may keep the process alive when HTTP is off.
  const alive = setInterval(() => {}, 60_000);
  return new Promise((resolveSignal) => {
    const onSignal = (): void => {
      clearInterval(alive);
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
      resolveSignal();
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  });
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("write a number from 0 to 65535; 0 takes any free port");
}
