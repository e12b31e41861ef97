// Starts a Node process that is to run strangers' code: no environment but three words to its allocator, no descriptors but its channel, Node's permission
// model on, no core dumps, its memory capped where the system can. Linux holds the cap; elsewhere only the watch does.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Hardening, launchers } from "./hardening.ts";
import { seccompFilter } from "./seccomp.ts";

const MIB = 1024 * 1024;
// JavaScript of the cell itself: engine, codec, SQLite's bindings and what turns allocate for a moment.
const HEAP_MIB = 192;
/** glibc's malloc: one arena for all threads, which gives back what it has no use for. Others do not know these. */
const ALLOCATOR = { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: "65536", MALLOC_TOP_PAD_: "4096" };
const PAGE_BYTES = 4_096;
// What /proc counts in, on every Linux.
const TICK_MS = 10;
const MAX_STDERR_BYTES = 4_096;
/** Behind the channel; read by bubblewrap and closed before the process itself runs. */
const FILTER_DESCRIPTOR = 4;
const PRLIMIT_TIMEOUT_MS = 2_000;
const NO_MOUNTS = { readable: [], writable: [], filter: undefined } as const;
const run = promisify(execFile);

// All that the process needs to read: host/ in the checkout or dist/ in the package, and what it imports, wherever that was installed.
const CODE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PACKAGES = ["better-sqlite3", "@extism/extism", "@bytecodealliance/jco-transpile", "tar", "semver", "zod"];
const READABLE = [CODE, ...["package.json", "wit"].map((name) => join(dirname(CODE), name)), ...PACKAGES.flatMap(installationOf)];

/** The node_modules folder that really holds a package, and those in which Node looks for it, which may be or hold links; none when it is not installed. */
function installationOf(name: string): string[] {
  try {
    const file = realpathSync(fileURLToPath(import.meta.resolve(name)));
    const root = `${sep}node_modules${sep}`;
    const looked = ancestorsOf(CODE).map((folder) => join(folder, "node_modules"));
    return [file.slice(0, file.lastIndexOf(root) + root.length - 1), ...looked.filter((folder) => existsSync(folder))];
  } catch {
    return [];
  }
}

function ancestorsOf(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestorsOf(parent)];
}

export interface HardenedProcessOptions {
  /** The module to run. */
  readonly entry: URL;
  /** Given to the module as its only argument, in JSON. */
  readonly argument: unknown;
  /** Files that it may read and write, or folders of such; they must be there. */
  readonly files: readonly string[];
  /** Folders that Node lets it look into; what of them it may open is for the system to say. */
  readonly looked?: readonly string[];
  /** Flags of V8 and Node besides the usual. */
  readonly flags?: readonly string[];
  readonly hardening: Hardening;
  /** Whom it runs as; the host's user by default. */
  readonly user?: number | undefined;
}

export interface HardenedProcess {
  readonly pid: number;
  readonly channel: Socket;
  /** Resolves once the process is gone, with how it ended and the last of what it wrote to standard error. */
  readonly exited: Promise<string>;
  kill(): void;
  /** Resident bytes now; undefined where the system does not tell. */
  residentBytes(): number | undefined;
  /** CPU time used so far, of all its threads; undefined where the system does not tell. */
  cpuMs(): number | undefined;
  /** Lets the process, which has booted, allocate this much more than it had at the first call. False where the system cannot hold it. */
  capMemory(bytes: number): Promise<boolean>;
}

export function startHardenedProcess(options: HardenedProcessOptions): HardenedProcess {
  const { entry, argument, files, looked = [], flags = [], hardening, user } = options;
  const code = [...READABLE, ...(fileURLToPath(entry).startsWith(CODE) ? [] : [fileURLToPath(entry)])];
  const node = [
    "--permission",
    "--allow-addons",
    ...[...new Set([...code, ...looked])].map((path) => `--allow-fs-read=${path}`),
    ...files.map((path) => `--allow-fs-write=${path}`),
    `--max-old-space-size=${HEAP_MIB}`,
    "--v8-pool-size=1",
    "--disable-sigusr1",
    "--no-warnings",
    "--wasm-max-module-size=67108864",
    "--wasm-max-table-size=1000000",
    ...flags,
    fileURLToPath(entry),
    JSON.stringify(argument),
  ];
  const filter = hardening.bubblewrap ? seccompFilter() : undefined;
  const mounts = { readable: code, writable: files, filter: filter === undefined ? undefined : FILTER_DESCRIPTOR };
  const [command = process.execPath, ...args] = [...launchers(hardening, user, mounts), process.execPath, ...node];
  const child = spawn(command, args, {
    env: ALLOCATOR,
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe", "pipe", ...(filter === undefined ? [] : (["pipe"] as const))],
    // A terminal sends Ctrl-C to the whole group; the host decides when a cell ends, and one whose channel closes ends itself.
    detached: true,
  });
  const channel = child.stdio[3] as Socket;
  channel.on("error", () => channel.destroy());
  if (filter !== undefined) (child.stdio[FILTER_DESCRIPTOR] as Socket).on("error", () => {}).end(filter);
  return { pid: child.pid ?? -1, channel, exited: exitOf(child), kill: () => void child.kill("SIGKILL"), ...watchOf(child, user) };
}

function exitOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("latin1")).slice(-MAX_STDERR_BYTES);
  });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve(said === "" ? how : `${how}: ${said}`);
    });
  });
}

function watchOf(child: ChildProcess, user: number | undefined): Pick<HardenedProcess, "residentBytes" | "cpuMs" | "capMemory"> {
  const buffer = Buffer.alloc(1_024);
  let pid = child.pid ?? -1;
  let baseKib = 0;
  const read = (name: string): string | undefined => {
    try {
      const file = openSync(`/proc/${pid}/${name}`, "r");
      const length = readSync(file, buffer, 0, buffer.length, 0);
      closeSync(file);
      return buffer.toString("latin1", 0, length);
    } catch {
      return undefined;
    }
  };
  return {
    residentBytes() {
      const pages = read("statm")?.split(" ")[1];
      return pages === undefined ? undefined : Number(pages) * PAGE_BYTES;
    },
    cpuMs() {
      // The command's name is in parentheses and may hold anything; user and system time are the 12th and 13th field after it.
      const fields = read("stat")
        ?.replace(/^.*\) /s, "")
        .split(" ");
      return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    async capMemory(bytes) {
      try {
        // The process booted by now, so where a launcher stands before it, this finds it.
        pid = innermost(pid);
        baseKib ||= Number(/VmData:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
        const limits = ["--pid", String(pid), `--data=${baseKib * 1_024 + bytes}:`, "--core=0:0"];
        // As the process's own user: root may not do it where it lacks CAP_SYS_RESOURCE, as in most containers.
        const [command = "", ...args] = [
          ...launchers({ bubblewrap: false, setpriv: user !== undefined }, user, NO_MOUNTS),
          "prlimit",
          ...limits,
        ];
        await run(command, args, { timeout: PRLIMIT_TIMEOUT_MS });
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** The process itself, or the last of the only children below it: bubblewrap waits outside for what it runs inside. */
function innermost(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ");
  return child === undefined || child === "" ? pid : innermost(Number(child));
}

/** What a cell needs besides its plugins: V8, Node and their threads. */
export const PROCESS_BASE_BYTES: number = (HEAP_MIB + 64) * MIB;
