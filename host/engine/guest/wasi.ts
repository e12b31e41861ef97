// WASI preview 1 as far as it is harmless: clocks, random, empty arguments and environment, standard output to the plugin's log, and waiting.
// There are no files and no sockets: whatever else a program asks for is answered with an error number, so that it loads all the same.
// Source of names, layouts and error numbers: the specification's `wasi_snapshot_preview1.witx`.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { GuestEnvironment } from "../engine.ts";
import { FREE_BYTES } from "./cell-functions.ts";
import type { GuestControl } from "./control.ts";
import { LogLines } from "./log-lines.ts";
import { fillRandom } from "./random.ts";
import { ERRNO, type Errno, isStandard, STDERR, STDIN, STDOUT } from "./wasi-errno.ts";
import { EVENT_BYTES, type PollSource, pollSources, writeEvents } from "./wasi-poll.ts";

export const WASI_PREVIEW1 = "wasi_snapshot_preview1";

// `:i32` is an error number. What has a name after it is answered with that one, always.
const FUNCTIONS = {
  args_get: "i32,i32:i32",
  args_sizes_get: "i32,i32:i32",
  clock_res_get: "i32,i32:i32",
  clock_time_get: "i32,i64,i32:i32",
  environ_get: "i32,i32:i32",
  environ_sizes_get: "i32,i32:i32",
  fd_close: "i32:i32",
  fd_fdstat_get: "i32,i32:i32",
  fd_fdstat_set_flags: "i32,i32:i32",
  fd_filestat_get: "i32,i32:i32",
  fd_read: "i32,i32,i32,i32:i32",
  fd_seek: "i32,i64,i32,i32:i32",
  fd_tell: "i32,i32:i32",
  fd_write: "i32,i32,i32,i32:i32",
  poll_oneoff: "i32,i32,i32,i32:i32",
  proc_exit: "i32:",
  random_get: "i32,i32:i32",
  sched_yield: ":i32",
} as const;

const REFUSED = {
  fd_advise: ["i32,i64,i64,i32:i32", "badf"],
  fd_allocate: ["i32,i64,i64:i32", "badf"],
  fd_datasync: ["i32:i32", "badf"],
  fd_fdstat_set_rights: ["i32,i64,i64:i32", "badf"],
  fd_filestat_set_size: ["i32,i64:i32", "badf"],
  fd_filestat_set_times: ["i32,i64,i64,i32:i32", "badf"],
  fd_pread: ["i32,i32,i32,i64,i32:i32", "badf"],
  fd_prestat_dir_name: ["i32,i32,i32:i32", "badf"],
  fd_prestat_get: ["i32,i32:i32", "badf"],
  fd_pwrite: ["i32,i32,i32,i64,i32:i32", "badf"],
  fd_readdir: ["i32,i32,i32,i64,i32:i32", "badf"],
  fd_renumber: ["i32,i32:i32", "badf"],
  fd_sync: ["i32:i32", "badf"],
  path_create_directory: ["i32,i32,i32:i32", "badf"],
  path_filestat_get: ["i32,i32,i32,i32,i32:i32", "badf"],
  path_filestat_set_times: ["i32,i32,i32,i32,i64,i64,i32:i32", "badf"],
  path_link: ["i32,i32,i32,i32,i32,i32,i32:i32", "badf"],
  path_open: ["i32,i32,i32,i32,i32,i64,i64,i32,i32:i32", "badf"],
  path_readlink: ["i32,i32,i32,i32,i32,i32:i32", "badf"],
  path_remove_directory: ["i32,i32,i32:i32", "badf"],
  path_rename: ["i32,i32,i32,i32,i32,i32:i32", "badf"],
  path_symlink: ["i32,i32,i32,i32,i32:i32", "badf"],
  path_unlink_file: ["i32,i32,i32:i32", "badf"],
  proc_raise: ["i32:i32", "nosys"],
  sock_accept: ["i32,i32,i32:i32", "badf"],
  sock_recv: ["i32,i32,i32,i32,i32,i32:i32", "badf"],
  sock_send: ["i32,i32,i32,i32,i32:i32", "badf"],
  sock_shutdown: ["i32,i32:i32", "badf"],
} as const satisfies Record<string, readonly [signature: string, errno: keyof typeof ERRNO]>;

/** Every function of preview 1 with its signature. */
export const WASI_SIGNATURES: Readonly<Record<string, string>> = {
  ...FUNCTIONS,
  ...Object.fromEntries(Object.entries(REFUSED).map(([name, [signature]]) => [name, signature])),
};

const REFUSALS = Object.fromEntries(Object.entries(REFUSED).map(([name, [, errno]]) => [name, () => ERRNO[errno]]));

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_RESOLUTION_NS = 1_000n;
const CHARACTER_DEVICE = 2;
const RIGHT_READ = 1n << 1n;
const RIGHT_WRITE = 1n << 6n;
const FDSTAT_BYTES = 24;
const FILESTAT_BYTES = 64;
const IOVEC_BYTES = 8;
const MAX_IOVECS = 1_024;
// A write may be answered with fewer bytes than it has; the program then writes the rest. It bounds the work of one call.
const MAX_WRITE_BYTES = 65_536;
const MAX_RANDOM_BYTES = 1024 * 1024;

export interface WasiPorts {
  readonly environment: GuestEnvironment;
  readonly control: GuestControl;
  /** The guest's linear memory as it is at this moment; empty when it has none. */
  memory(): Bytes;
  /** Counts a host call: one that writes, waits or takes long. What only reads what the cell knows is bounded by CPU time alone. */
  count(): void;
  /** To be called after work that costs the guest no fuel. */
  yieldWhenOverdue(): void;
}

/** An address of the guest's that is not in its memory. */
class Fault extends Error {}

export class Wasi {
  /** By their import names. */
  readonly functions: Readonly<Record<string, unknown>>;
  readonly #ports: WasiPorts;
  readonly #lines: Readonly<Record<typeof STDOUT | typeof STDERR, LogLines>>;

  constructor(ports: WasiPorts) {
    this.#ports = ports;
    const { control } = ports;
    const { scope } = ports.environment;
    this.#lines = { [STDOUT]: new LogLines(scope, "info"), [STDERR]: new LogLines(scope, "warning") };
    const answered =
      (answer: (...args: never[]) => Errno) =>
      (...args: never[]): Errno => {
        if (control.doomed) return ERRNO.nosys;
        const errno = this.#faulting(() => answer(...args));
        ports.yieldWhenOverdue();
        return errno;
      };
    this.functions = {
      ...REFUSALS,
      args_get: answered(() => ERRNO.success),
      args_sizes_get: answered((count: number, bytes: number) => this.#none(count, bytes)),
      environ_get: answered(() => ERRNO.success),
      environ_sizes_get: answered((count: number, bytes: number) => this.#none(count, bytes)),
      clock_res_get: answered((clock: number, at: number) => this.#clock(clock, at, () => CLOCK_RESOLUTION_NS)),
      clock_time_get: answered((clock: number, _precision: bigint, at: number) => this.#clock(clock, at, (id) => this.#nowNs(id))),
      fd_close: answered((fd: number) => onStandard(fd, () => ERRNO.success)),
      fd_fdstat_get: answered((fd: number, at: number) => onStandard(fd, () => this.#fdstat(fd, at))),
      fd_fdstat_set_flags: answered((fd: number) => onStandard(fd, () => ERRNO.success)),
      fd_filestat_get: answered((fd: number, at: number) => onStandard(fd, () => this.#filestat(at))),
      fd_read: answered((fd: number, _iovecs: number, _count: number, at: number) => (fd === STDIN ? this.#none(at) : ERRNO.badf)),
      fd_seek: answered((fd: number) => onStandard(fd, () => ERRNO.spipe)),
      fd_tell: answered((fd: number) => onStandard(fd, () => ERRNO.spipe)),
      fd_write: answered((fd: number, iovecs: number, count: number, at: number) => this.#write(fd, iovecs, count, at)),
      poll_oneoff: new WebAssembly.Suspending((from: number, to: number, count: number, at: number) => this.#poll(from, to, count, at)),
      proc_exit: (code: number) => this.#exit(code),
      random_get: answered((at: number, length: number) => this.#random(at >>> 0, length >>> 0)),
      sched_yield: answered(() => ERRNO.success),
    };
  }

  /** Logs what was written without a line's end. */
  flush(): void {
    // Not by a list of them: this is part of every turn.
    this.#lines[STDOUT].flush();
    this.#lines[STDERR].flush();
  }

  // Every address is the guest's word; one out of its memory is its mistake and answered like one.
  #faulting(answer: () => Errno): Errno {
    try {
      return answer();
    } catch (thrown) {
      if (thrown instanceof Fault) return ERRNO.fault;
      throw thrown;
    }
  }

  #view(at: number, length: number): DataView {
    const { buffer, byteOffset, byteLength } = this.#ports.memory();
    const start = at >>> 0;
    if (start + length > byteLength) throw new Fault();
    return new DataView(buffer, byteOffset + start, length);
  }

  #bytes(at: number, length: number): Bytes {
    const { buffer, byteOffset } = this.#view(at, length);
    return new Uint8Array(buffer, byteOffset, length);
  }

  #none(...addresses: readonly number[]): Errno {
    for (const at of addresses) this.#view(at, 4).setUint32(0, 0, true);
    return ERRNO.success;
  }

  #nowNs(clock: number): bigint {
    const { scope } = this.#ports.environment;
    return clock === CLOCK_REALTIME
      ? BigInt(Math.floor(scope.clock.now())) * 1_000_000n
      : BigInt(Math.floor(scope.clock.monotonicMs() * 1e6));
  }

  #clock(clock: number, at: number, read: (clock: number) => bigint): Errno {
    if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) return ERRNO.inval;
    this.#view(at, 8).setBigUint64(0, read(clock), true);
    return ERRNO.success;
  }

  #fdstat(fd: number, at: number): Errno {
    this.#bytes(at, FDSTAT_BYTES).fill(0);
    const view = this.#view(at, FDSTAT_BYTES);
    view.setUint8(0, CHARACTER_DEVICE);
    view.setBigUint64(8, fd === STDIN ? RIGHT_READ : RIGHT_WRITE, true);
    return ERRNO.success;
  }

  #filestat(at: number): Errno {
    this.#bytes(at, FILESTAT_BYTES).fill(0);
    this.#view(at, FILESTAT_BYTES).setUint8(16, CHARACTER_DEVICE);
    return ERRNO.success;
  }

  #write(fd: number, iovecs: number, count: number, at: number): Errno {
    if (fd !== STDOUT && fd !== STDERR) return ERRNO.badf;
    this.#ports.count();
    const lines = this.#lines[fd];
    if (count >>> 0 > MAX_IOVECS) return ERRNO.inval;
    const list = this.#view(iovecs, (count >>> 0) * IOVEC_BYTES);
    let written = 0;
    for (let i = 0; i < count && written < MAX_WRITE_BYTES; i += 1) {
      const all = this.#bytes(list.getUint32(i * IOVEC_BYTES, true), list.getUint32(i * IOVEC_BYTES + 4, true));
      const bytes = all.subarray(0, MAX_WRITE_BYTES - written);
      lines.write(bytes);
      written += bytes.length;
    }
    this.#view(at, 4).setUint32(0, written, true);
    return ERRNO.success;
  }

  #random(at: number, length: number): Errno {
    if (length > MAX_RANDOM_BYTES) return ERRNO.inval;
    if (length > FREE_BYTES) this.#ports.count();
    fillRandom(this.#ports.environment.scope, this.#bytes(at, length) as Uint8Array<ArrayBuffer>);
    return ERRNO.success;
  }

  #exit(code: number): void {
    const { plugin } = this.#ports.environment;
    this.#ports.control.doom(new HostError("plugin-failed", `${plugin} ended itself with exit code ${code >>> 0}`));
  }

  // The memory may have grown or moved while the guest slept, so it is looked at anew.
  async #poll(from: number, to: number, count: number, at: number): Promise<Errno> {
    const { control, environment } = this.#ports;
    if (control.doomed) return ERRNO.nosys;
    this.#ports.count();
    let sources: readonly PollSource[] | undefined;
    const errno = this.#faulting(() => {
      sources = pollSources(
        count >>> 0,
        (bytes) => this.#view(from, bytes),
        (clock) => this.#nowNs(clock),
      );
      return ERRNO.success;
    });
    if (errno !== ERRNO.success || sources === undefined) return errno || ERRNO.inval;
    const delayMs = Math.min(...sources.map((source) => source.delayMs));
    const { clock } = environment.scope;
    const dueMs = clock.monotonicMs() + delayMs;
    // A timer of Node's may come up to a millisecond early, so one wait is not always enough.
    for (let leftMs = delayMs; leftMs > 0; leftMs = dueMs - clock.monotonicMs()) {
      // A turn that sleeps beyond its deadline is ended by that, so no timer has to stay longer.
      const elapsed = Promise.withResolvers<Bytes>();
      const wake = (): void => elapsed.resolve(new Uint8Array(0));
      const cancel = clock.after(Math.min(leftMs, environment.limits.deadlineMs), wake);
      await environment.pacer.wait(elapsed.promise);
      cancel();
      if (control.doomed) return ERRNO.nosys;
    }
    const ready = sources.filter((source) => source.delayMs <= delayMs);
    const written = this.#faulting(() => {
      writeEvents(ready, this.#view(to, ready.length * EVENT_BYTES));
      this.#view(at, 4).setUint32(0, ready.length, true);
      return ERRNO.success;
    });
    this.#ports.yieldWhenOverdue();
    return written;
  }
}

const onStandard = (fd: number, answer: () => Errno): Errno => (isStandard(fd) ? answer() : ERRNO.badf);
