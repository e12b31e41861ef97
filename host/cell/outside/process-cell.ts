// A cell in a child process, the wall that holds when V8 does not: killed from outside when it is silent, too large or breaks
// the protocol. Whatever it sends is taken for an attacker's.

import { maxStateBytes } from "../../bounds/state-bytes.ts";
import { MAX_TAPE_BYTES } from "../../bounds/turn-tape.ts";
import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";
import type { ProcessCellData } from "../inside/process-main.ts";
import { readFromCell, writeToCell } from "../wire/codec.ts";
import { pipeChannel } from "../wire/pipe-channel.ts";
import { CellClient, type CellClientPorts } from "./client.ts";
import { PROCESS_BASE_BYTES, startHardenedProcess } from "./hardened-process.ts";
import { type Hardening, NO_HARDENING } from "./hardening.ts";
import { prepareStorage } from "./storage-files.ts";
import { type LiveCell, SupervisedCell } from "./supervised-cell.ts";

export interface ProcessCellOptions {
  readonly clock: Clock;
  readonly log: LogSink;
  /** Where the plugins' storage files are; kept in memory when undefined. */
  readonly storageDir: string | undefined;
  /** `sqlite` by default. */
  readonly storageDriver?: string | undefined;
  /** The plugins that will be loaded into it: once all are, the process gives up its access to files. Undefined: never. */
  readonly plugins: readonly string[] | undefined;
  /** Nothing by default. */
  readonly hardening?: Hardening;
  /** Whom it runs as; the host's user by default. */
  readonly user?: number | undefined;
  /** What the process runs instead of the executor: tests put an attacker there. */
  readonly entry?: URL;
  /** What V8 is told for a cell to be light; a benchmark leaves it out, to see what it is for. */
  readonly weight?: readonly string[];
  /** See CellClientPorts. */
  readonly onRecorded?: CellClientPorts["onRecorded"];
  /** Told of the id of each process that is started. */
  readonly onStart?: (pid: number) => void;
}

/** What is built is that module with all that it needs (scripts/bundle-cell.ts). */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "../inside/process-main.ts" : "../process/process-main.js", import.meta.url);
// Metering makes small functions too large for V8's usual budget, so that it no longer inlines them where it matters most.
export const INLINING: readonly string[] = ["--wasm-inlining-budget=20000", "--wasm-inlining-factor=10"];
/** V8 would keep for good a young heap of up to 32 MiB, 8 MiB that a thread which compiles in the background has worked with, and code of a tier between two. */
const WEIGHT: readonly string[] = ["--max-semi-space-size=1", "--no-concurrent-recompilation", "--no-sparkplug"];
const CLOSE_GRACE_MS = 1_000;
const MEMORY_POLL_MS = 100;
// Names, keys and an error's text beside the payload of a frame.
const FRAME_OVERHEAD_BYTES = 64 * 1024;
// Names, callers and traces of turns.
const UNSENT_BYTES = 4 * 1024 * 1024;
// A page of storage that the host answers with: 4 MiB of keys and values, as JSON.
const PAGE_BYTES = 12 * 1024 * 1024;
// What V8 makes of a module: code in two tiers and metadata, several times its size.
const COMPILED_FACTOR = 16;
// Read, written down and compressed, or the other way.
const STATE_COPIES = 3;
// What is written down, and the text of it.
const TAPE_COPIES = 4;

/** A cell that starts its process at the first load and again after each death (see SupervisedCell). */
export function createProcessCell(options: ProcessCellOptions): SupervisedCell {
  const { clock, log } = options;
  return new SupervisedCell({ clock, log, spawn: (plugins) => spawnProcessCell(options, plugins) });
}

function spawnProcessCell(options: ProcessCellOptions, images: readonly PluginImage[]): LiveCell {
  const {
    clock,
    log,
    storageDir,
    storageDriver = "sqlite",
    plugins,
    hardening = NO_HARDENING,
    user,
    entry = ENTRY,
    weight = WEIGHT,
    onStart,
  } = options;
  const { onRecorded } = options;
  const data: ProcessCellData = { storage: { driver: storageDriver, dir: storageDir }, plugins };
  const stackKib = Math.floor(Math.max(...images.map(({ limits }) => limits.stackBytes)) / 1_024);
  const prepare = (name: string): string[] => (storageDir === undefined ? [] : prepareStorage(storageDir, name, user));
  // A process that plugins share is to open the storage of one that comes later too.
  const files = plugins === undefined && storageDir !== undefined ? [storageDir] : (plugins ?? []).flatMap(prepare);
  const child = startHardenedProcess({
    entry,
    argument: data,
    files,
    // better-sqlite3 13.2.0 looks whether the folder of a file is there.
    looked: storageDir === undefined ? [] : [storageDir],
    user,
    flags: [`--wasm-stack-switching-stack-size=${stackKib}`, ...INLINING, ...weight],
    hardening,
  });
  onStart?.(child.pid);
  let maxFrameBytes = FRAME_OVERHEAD_BYTES;
  let maxUnsentBytes = UNSENT_BYTES;
  let budget = PROCESS_BASE_BYTES;
  // Only while the host has asked for the state of a plugin.
  let stateBytes = 0;
  // Kept when a plugin is unloaded, since V8 may not have given back what it took; loaded again it gets nothing on top.
  const keptBytes = new Map<string, number>();
  const shares = new Map<string, { readonly memoryBytes: number; readonly unsentBytes: number }>();
  const channel = pipeChannel({
    socket: child.channel,
    write: writeToCell,
    read: readFromCell,
    plan: setImmediate,
    maxFrameBytes: () => maxFrameBytes + stateBytes,
    maxUnsentBytes: () => maxUnsentBytes,
    onMalformed: (cause) => end(new HostError("plugin-failed", "the cell broke the protocol and was killed", { cause })),
  });
  const client = new CellClient({
    channel,
    clock,
    log,
    onRecorded,
    ended: () =>
      closed(
        child.exited.then(() => {}),
        child.kill,
      ),
  });
  const end = (error: HostError): void => {
    child.kill();
    if (error.cause !== undefined) log.write({ level: "error", plugin: "host", message: error.message, cause: error.cause });
    client.die(error);
  };
  const watching = setInterval(() => {
    const resident = child.residentBytes() ?? 0;
    if (resident > budget)
      end(new HostError("memory-exhausted", `the cell used ${mib(resident)} MiB and was killed; the limit is ${mib(budget)}`));
  }, MEMORY_POLL_MS).unref();
  void child.exited.then((how) => {
    clearInterval(watching);
    client.die(new HostError("plugin-failed", "the process of this plugin's cell died", { detail: how }));
  });
  return Object.assign(client, {
    kill: end,
    residentBytes: () => child.residentBytes(),
    // The cap counts from what the booted process has, and stands before the module arrives: what follows is the stranger's.
    async capture(plugin: string): Promise<Bytes | undefined> {
      const max = keptBytes.get(plugin) ?? 0;
      stateBytes += max;
      return CellClient.prototype.capture.call(client, plugin).finally(() => {
        stateBytes -= max;
      });
    },
    async load(image: PluginImage, _hold?: () => () => void, state?: Bytes): Promise<undefined> {
      prepare(image.name);
      const before = shares.get(image.name);
      shares.set(image.name, {
        memoryBytes: Math.max(before?.memoryBytes ?? 0, memoryOf(image)),
        unsentBytes: Math.max(before?.unsentBytes ?? 0, underWayOf(image)),
      });
      const all = [...shares.values()];
      budget = all.reduce((sum, { memoryBytes }) => sum + memoryBytes, PROCESS_BASE_BYTES);
      maxUnsentBytes = all.reduce((sum, { unsentBytes }) => sum + unsentBytes, UNSENT_BYTES);
      keptBytes.set(image.name, keptOf(image));
      maxFrameBytes = Math.max(maxFrameBytes, Math.max(image.limits.payloadBytes, tapeBytesOf(image)) + FRAME_OVERHEAD_BYTES);
      await client.ping();
      if (!(await child.capMemory(budget))) {
        const message =
          "the memory of process cells is watched but not capped; that needs Linux and the command prlimit (package util-linux)";
        log.write({ level: "warning", plugin: "host", message });
      }
      await CellClient.prototype.load.call(client, image, undefined, state);
    },
  });
}

const mib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024);

/** What the state of a plugin takes once, unpacked or on its way. */
const keptOf = ({ limits, keepsState }: PluginImage): number => (keepsState === true ? maxStateBytes(limits) : 0);

/** What is written down of its turns, as text. */
const tapeBytesOf = ({ tape }: PluginImage): number => (tape === undefined ? 0 : MAX_TAPE_BYTES);

function memoryOf(image: PluginImage): number {
  const { limits, module, compileBytes = 0 } = image;
  return (
    STATE_COPIES * keptOf(image) +
    TAPE_COPIES * tapeBytesOf(image) +
    compileBytes +
    limits.memoryBytes +
    limits.blockBytes +
    limits.varBytes +
    4 * limits.payloadBytes +
    COMPILED_FACTOR * module.length
  );
}

/** All that can be under way to it at a time: its module, its turns, one answer, and what it is to play back. */
const underWayOf = (image: PluginImage): number => {
  const { limits, module, storage, tape, readCacheBytes = 0 } = image;
  return (
    keptOf(image) +
    (tape === "replay" ? 2 * MAX_TAPE_BYTES : 0) +
    module.length +
    limits.mailboxBytes +
    2 * limits.payloadBytes +
    (storage === "host" ? PAGE_BYTES : 0) +
    readCacheBytes
  );
};

async function closed(exited: Promise<void>, kill: () => void): Promise<void> {
  const timer = setTimeout(kill, CLOSE_GRACE_MS).unref();
  await exited;
  clearTimeout(timer);
}
