// The filter of system calls, run by an interpreter of its own: what it answers to whom.

import { describe, expect, it } from "vitest";
import { seccompFilter } from "../../host/cell/outside/seccomp.ts";

const X86_64 = 0xc000_003e;
const [ALLOW, EPERM, ENOSYS] = [0x7fff_0000, 0x0005_0001, 0x0005_0026];

interface Call {
  readonly number: number;
  readonly architecture?: number;
  readonly args?: readonly bigint[];
}

/** What the kernel would answer: the few instructions of classic BPF that the filter has. */
function answer({ number, architecture = X86_64, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [i, arg] of args.entries()) data.writeBigUInt64LE(arg, 16 + 8 * i);
  const program = seccompFilter("x64") ?? Buffer.alloc(0);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const [code, ifTrue, ifFalse] = [program.readUInt16LE(8 * at), program.readUInt8(8 * at + 2), program.readUInt8(8 * at + 3)];
    const k = program.readUInt32LE(8 * at + 4);
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x15) at += accumulator === k ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= k ? ifTrue : ifFalse;
    else if (code === 0x45) at += (accumulator & k) !== 0 ? ifTrue : ifFalse;
    else if (code === 0x06) return k;
    else throw new Error(`no such instruction: ${code}`);
  }
  throw new Error("it ran off its end");
}

describe("the filter of system calls", () => {
  it("lets a cell do what it does: files, memory, threads, waiting, and an end of its own", () => {
    // read, write, mmap, mprotect, pread64, pwrite64, futex, epoll_wait, exit_group, execve, openat, unlink, fsync, tgkill, getrandom
    for (const number of [0, 1, 9, 10, 17, 18, 202, 232, 231, 59, 257, 87, 74, 234, 318])
      expect(answer({ number }), `${number}`).toBe(ALLOW);
    expect(answer({ number: 56, args: [0x3d_0f00n] })).toBe(ALLOW);
    expect(answer({ number: 302, args: [0n, 7n, 0n, 1n] })).toBe(ALLOW);
  });

  it("refuses processes, networks, signals, other processes, mounts, modules, clocks and limits of its own", () => {
    // socket, connect, fork, vfork, kill, ptrace, process_vm_writev, mount, unshare, setns, bpf, init_module, io_uring_setup, keyctl, setpriority, setrlimit, settimeofday
    for (const number of [41, 42, 57, 58, 62, 101, 311, 165, 272, 308, 321, 175, 425, 250, 141, 160, 164])
      expect(answer({ number }), `${number}`).toBe(EPERM);
    expect(answer({ number: 56, args: [17n] })).toBe(EPERM);
    expect(answer({ number: 435 })).toBe(ENOSYS);
    for (const limits of [0x7fff_0000_1000n, 0x1000n, 0x1_0000_0000n])
      expect(answer({ number: 302, args: [0n, 2n, limits, 0n] })).toBe(EPERM);
  });

  it("knows no call that is younger than its list, such as other ways to mount", () => {
    // quotactl_fd, landlock_create_ruleset, process_mrelease, fchmodat2, open_tree_attr, and whatever comes
    for (const number of [443, 444, 448, 452, 467, 1_000, 0x3fff_ffff]) expect(answer({ number }), `${number}`).toBe(ENOSYS);
    expect(answer({ number: 441 }), "epoll_pwait2").toBe(ALLOW);
    expect(answer({ number: 442 }), "mount_setattr").toBe(EPERM);
  });

  it("refuses the calls of other architectures, whose numbers mean something else", () => {
    expect(answer({ number: 1, architecture: 0x4000_0003 })).toBe(EPERM);
    expect(answer({ number: 0x4000_0001 })).toBe(EPERM);
    expect(seccompFilter("arm64")).toBeUndefined();
  });
});
