// What the system can hold a cell's process by, found out once: namespaces of its own and a filter of system calls by bubblewrap, a user of its own by
// setpriv. What is missing is said, and what falls away with it.

import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { HostError } from "../../core/errors.ts";
import { lacksOf } from "./platform.ts";
import { seccompFilter } from "./seccomp.ts";

/** What the operator asks for; each is used where it can be had unless it is said otherwise. */
export interface HardeningOptions {
  /** Users, each also a group, of which every cell gets one; false: cells run as the host's user. Needs root. */
  readonly users?: { readonly first: number; readonly count: number } | false | undefined;
  readonly bubblewrap?: boolean | undefined;
}

/** What is used. */
export interface Hardening {
  /** Undefined where cells run as the host's user. */
  readonly users: { readonly first: number; readonly count: number } | undefined;
  readonly bubblewrap: boolean;
  readonly setpriv: boolean;
  /** What falls away, in words. */
  readonly gaps: readonly string[];
}

/** Nobody's, neither in Debian's nor in systemd's reckoning, and below 65,536, which is all that some containers have. */
export const DEFAULT_USERS: { readonly first: number; readonly count: number } = Object.freeze({ first: 60_706, count: 478 });

type Users = NonNullable<Hardening["users"]>;

// One after the other, so that one of them that is broken finds no other of its user: what it changed would be admitted. Another host may count, too.
const DISPOSABLE_USERS = 32;
let disposables = Math.floor(Math.random() * DISPOSABLE_USERS);

/** The user of a process that is asked one question. */
export function disposableUser({ first }: Users): number {
  const busy = busyUsers();
  const next = (): number => first + (++disposables % DISPOSABLE_USERS);
  let user = next();
  for (let tries = 1; tries < DISPOSABLE_USERS && busy.has(user); tries += 1) user = next();
  return user;
}

/** The first user that is for cells. */
export const firstCellUser = ({ first }: Users): number => first + DISPOSABLE_USERS;

/** The first user from `from` on that nobody's process has, as one of another host or of `bulkhead call` may; undefined when all are taken. */
export function freeCellUser({ first, count }: Users, from: number): number | undefined {
  const busy = busyUsers();
  for (let user = from; user < first + count; user += 1) if (!busy.has(user)) return user;
  return undefined;
}

/** For a cell that its host knows no other beside. */
export function anyCellUser(users: Users): number {
  const start = firstCellUser(users);
  const chosen = start + Math.floor(Math.random() * (users.count - DISPOSABLE_USERS));
  return freeCellUser(users, chosen) ?? freeCellUser(users, start) ?? chosen;
}

function busyUsers(): ReadonlySet<number> {
  const processes = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return new Set(processes.map((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? -1));
}

export const NO_HARDENING: Hardening = Object.freeze({ users: undefined, bubblewrap: false, setpriv: false, gaps: [] });

const PROBE_MS = 10_000;
const run = promisify(execFile);

const found = new Map<string, Promise<Hardening>>();

/** The same options are looked into once. Rejects with HostError `invalid-message` when something was asked for that cannot be had. */
export function resolveHardening(options: HardeningOptions = {}): Promise<Hardening> {
  const key = JSON.stringify(options);
  const known = found.get(key) ?? look(options);
  found.set(key, known);
  return known;
}

async function look({ users: asked, bubblewrap: wrap }: HardeningOptions): Promise<Hardening> {
  const isRoot = process.getuid?.() === 0;
  if (asked !== undefined && asked !== false && !isRoot)
    throw new HostError("invalid-message", "hardening.users needs a host that runs as root; remove it");
  if (process.platform !== "linux") {
    if (wrap === true) throw new HostError("invalid-message", "hardening.bubblewrap is true, and this system is not Linux");
    return { ...NO_HARDENING, gaps: lacksOf(process.platform) };
  }
  const users = asked === false || !isRoot ? undefined : (asked ?? DEFAULT_USERS);
  const noWrap = wrap === false ? "hardening.bubblewrap is false" : await whyNot({ bubblewrap: true, setpriv: true, users });
  const noUsers = users === undefined ? undefined : await whyNot({ bubblewrap: noWrap === undefined, setpriv: true, users });
  const used = {
    bubblewrap: noWrap === undefined,
    users: noUsers === undefined ? users : undefined,
    setpriv: noWrap === undefined || (await whyNot({ bubblewrap: false, setpriv: true, users: undefined })) === undefined,
  };
  if (wrap === true && noWrap !== undefined) throw new HostError("invalid-message", `hardening.bubblewrap is true, and ${noWrap}`);
  if (asked !== undefined && asked !== false && noUsers !== undefined)
    throw new HostError("invalid-message", `hardening.users is set, and ${noUsers}`);
  return { ...used, gaps: gapsOf(used, noWrap, noUsers, isRoot) };
}

type Used = Omit<Hardening, "gaps">;

function gapsOf({ users }: Used, noWrap: string | undefined, noUsers: string | undefined, isRoot: boolean): string[] {
  const gaps: string[] = [];
  if (noWrap !== undefined) {
    const files = users === undefined ? "host.sqlite, the files of other plugins, the host's own process, " : "";
    const remedy = isRoot ? "apt install bubblewrap util-linux" : "apt install bubblewrap, or run the host as root";
    gaps.push(`${noWrap}: a cell that a fault of V8 has broken reaches ${files}the network and every system call; ${remedy}`);
  } else if (seccompFilter() === undefined) gaps.push(`the system calls of cells are filtered on x64 only, and this is ${process.arch}`);
  if (isRoot && users === undefined) gaps.push(`cells run as root (${noUsers ?? "hardening.users is false"})`);
  return gaps;
}

/** Why these cannot be used together; undefined when they work, and the host's code can be read. */
async function whyNot({ bubblewrap, setpriv, users }: Used): Promise<string | undefined> {
  const file = fileURLToPath(import.meta.url);
  const [launcher = "", ...args] = launchers({ bubblewrap, setpriv }, users?.first, { readable: [file], writable: [], filter: undefined });
  try {
    await run(launcher, [...args, process.execPath, "-e", "fs.readFileSync(process.argv[1])", file], {
      timeout: PROBE_MS,
      env: {},
      cwd: "/",
    });
    return undefined;
  } catch (cause) {
    const { code, stderr = "" } = cause as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code === "ENOENT") return `${launcher} is not installed`;
    const said = stderr.split("\n").find((line) => /^(bwrap|setpriv)|Error:|denied/.test(line));
    return `${launcher} does not work here (${said?.slice(0, 200) ?? code})`;
  }
}

/** What of the system a Node process needs to read besides its own code. */
const SYSTEM = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/nix/store", "/gnu/store", "/etc/ld.so.cache", "/etc/alternatives"];

interface Mounts {
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** Where the filter of system calls is read from. */
  readonly filter: number | undefined;
}

/** What a command is put behind. */
export function launchers(
  { bubblewrap, setpriv }: Pick<Hardening, "bubblewrap" | "setpriv">,
  user: number | undefined,
  mounts: Mounts,
): string[] {
  return [
    ...(bubblewrap ? ["bwrap", ...bubblewrapArguments(mounts), "--"] : []),
    ...(setpriv ? ["setpriv", ...setprivArguments(user), "--"] : []),
  ];
}

// A root that is empty but for what is named.
function bubblewrapArguments({ readable, writable, filter }: Mounts): string[] {
  const isRoot = process.getuid?.() === 0;
  // With a user namespace root could not become the cell's user in it.
  const namespaces = isRoot
    ? ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    : ["--unshare-all"];
  return [
    ...namespaces,
    "--die-with-parent",
    "--new-session",
    ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    // Made on the way to a mount, folders would be open to root alone.
    ...foldersAbove([...SYSTEM, process.execPath, ...readable, ...writable]).flatMap((path) => ["--perms", "0755", "--dir", path]),
    ...[...SYSTEM, process.execPath, ...readable].flatMap((path) => ["--ro-bind-try", path, path]),
    ...writable.flatMap((path) => ["--bind", path, path]),
    ...(filter === undefined ? [] : ["--seccomp", String(filter)]),
  ];
}

function foldersAbove(paths: readonly string[]): string[] {
  const above = (path: string): string[] => (path === dirname(path) ? [] : [...above(dirname(path)), path]);
  return [...new Set(paths.flatMap((path) => above(dirname(path))))];
}

function setprivArguments(user: number | undefined): string[] {
  const as = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  return [...as, "--no-new-privs"];
}
