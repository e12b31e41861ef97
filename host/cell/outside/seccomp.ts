// The system calls that a cell never needs, as a filter for bubblewrap to load: what native code in a broken cell could reach the kernel, other processes
// or the network by is answered with EPERM. x86-64 only: the numbers of another architecture are others.

const ARCH_X86_64 = 0xc000_003e;
// Calls of the x32 ABI have this bit set.
const X32 = 0x4000_0000;
const CLONE_THREAD = 0x0001_0000;
const EPERM = 1;
const ENOSYS = 38;

/** By what they could be used for. execve stays: the filter is loaded before the cell is executed. */
const DENIED: Readonly<Record<string, readonly number[]>> = {
  // socket, socketpair, connect, accept, bind, listen, accept4
  network: [41, 53, 42, 43, 49, 50, 288],
  // fork, vfork
  processes: [57, 58],
  // kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal, pidfd_open, pidfd_getfd; tgkill stays for abort()
  signals: [62, 200, 129, 297, 424, 434, 438],
  // ptrace, process_vm_readv, process_vm_writev, kcmp, process_madvise, perf_event_open
  "other processes": [101, 310, 311, 312, 440, 298],
  // setpriority, sched_setparam, sched_setscheduler, sched_setattr, ioprio_set, setrlimit
  priorities: [141, 142, 144, 314, 251, 160],
  // mount, umount2, pivot_root, chroot, setns, unshare, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
  mounts: [165, 166, 155, 161, 308, 272, 428, 429, 430, 431, 432, 433, 442],
  // name_to_handle_at, open_by_handle_at
  "files by handle": [303, 304],
  // kexec_load, kexec_file_load, init_module, finit_module, delete_module, bpf, reboot, swapon, swapoff, acct, quotactl, syslog, sethostname, setdomainname
  kernel: [246, 320, 175, 313, 176, 321, 169, 167, 168, 163, 179, 103, 170, 171],
  // io_uring_setup, io_uring_enter, io_uring_register, userfaultfd, modify_ldt, iopl, ioperm, personality, vmsplice, fanotify_init
  "attack surface": [425, 426, 427, 323, 154, 172, 173, 135, 278, 300],
  // settimeofday, clock_settime, clock_adjtime, adjtimex
  clocks: [164, 227, 305, 159],
  // add_key, request_key, keyctl
  keys: [248, 249, 250],
  // shmget, shmat, shmctl, semget, msgget, mq_open
  "shared memory and queues": [29, 30, 31, 64, 68, 240],
  // migrate_pages, move_pages, mbind, set_mempolicy
  memory: [256, 279, 237, 238],
};
/** What came to Linux behind these is unknown here, so it is told to be missing; the C library asks in an older way then. */
const FIRST_UNKNOWN = 443;
const CLONE = 56;
const CLONE3 = 435;
const PRLIMIT64 = 302;

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_EQUAL = 0x35;
const JUMP_SET = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;
/** Of struct seccomp_data. */
const AT = { number: 0, architecture: 4, argument: (i: number): number => 16 + 8 * i };

/** Jumps lead to a label, or to the next instruction. */
interface Instruction {
  readonly code: number;
  readonly k: number;
  readonly ifTrue?: Label | undefined;
  readonly ifFalse?: Label | undefined;
  readonly label?: Label;
}
type Label = "allow" | "refuse" | "unknown" | "clone" | "limits";

const load = (k: number, label?: Label): Instruction => ({ code: LOAD, k, ...(label === undefined ? {} : { label }) });
const jump = (code: number, k: number, ifTrue?: Label, ifFalse?: Label): Instruction => ({ code, k, ifTrue, ifFalse });
const give = (k: number, label?: Label): Instruction => ({ code: RETURN, k, ...(label === undefined ? {} : { label }) });

const PROGRAM: readonly Instruction[] = [
  load(AT.architecture),
  jump(JUMP_EQUAL, ARCH_X86_64, undefined, "refuse"),
  load(AT.number),
  jump(JUMP_GREATER_EQUAL, X32, "refuse"),
  jump(JUMP_GREATER_EQUAL, FIRST_UNKNOWN, "unknown"),
  // Forks are refused, threads are not. Who asks with clone3, whose flags cannot be seen, is told that there is none and asks with clone.
  jump(JUMP_EQUAL, CLONE3, "unknown"),
  jump(JUMP_EQUAL, CLONE, "clone"),
  jump(JUMP_EQUAL, PRLIMIT64, "limits"),
  ...Object.values(DENIED)
    .flat()
    .map((number) => jump(JUMP_EQUAL, number, "refuse")),
  give(ALLOW),
  load(AT.argument(0), "clone"),
  jump(JUMP_SET, CLONE_THREAD, "allow", "refuse"),
  // Its limits may be read and not set: there are no new ones where both halves of their address are 0.
  load(AT.argument(2), "limits"),
  jump(JUMP_EQUAL, 0, undefined, "refuse"),
  load(AT.argument(2) + 4),
  jump(JUMP_EQUAL, 0, "allow", "refuse"),
  give(ALLOW, "allow"),
  give(ERRNO | EPERM, "refuse"),
  give(ERRNO | ENOSYS, "unknown"),
];

/** The filter as bubblewrap takes it; undefined where its numbers would be wrong. */
export function seccompFilter(architecture: string = process.arch): Buffer | undefined {
  if (architecture !== "x64") return undefined;
  const bytes = Buffer.alloc(8 * PROGRAM.length);
  PROGRAM.forEach(({ code, k, ifTrue, ifFalse }, at) => {
    const distance = (label: Label | undefined): number =>
      label === undefined ? 0 : PROGRAM.findIndex((one) => one.label === label) - at - 1;
    bytes.writeUInt16LE(code, 8 * at);
    bytes.writeUInt8(distance(ifTrue), 8 * at + 2);
    bytes.writeUInt8(distance(ifFalse), 8 * at + 3);
    bytes.writeUInt32LE(k >>> 0, 8 * at + 4);
  });
  return bytes;
}
