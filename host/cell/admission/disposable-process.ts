// Asks one question of a process made for it and kills it: for work on what a stranger sent that may run away, take all memory or abort. The answer is
// taken for an attacker's.

import { HostError } from "../../core/errors.ts";
import { startHardenedProcess } from "../outside/hardened-process.ts";
import { disposableUser, type HardeningOptions, resolveHardening } from "../outside/hardening.ts";
import { pipeChannel } from "../wire/pipe-channel.ts";
import { type Answer, type FromProcess, MAX_VALUE_BYTES, type Message, readAnswer, writeMessage } from "./disposable-codec.ts";

const MIB = 1_024 * 1_024;
const POLL_MS = 50;

/** What one question may cost. CPU time is what counts; wall time is for a process that waits for nothing. */
export interface DisposableBounds {
  readonly cpuMs: number;
  readonly timeoutMs: number;
  /** Resident, all in all. */
  readonly memoryBytes: number;
}

export interface Question {
  /** The module to run, which calls answerOnce. */
  readonly entry: URL;
  readonly request: Message;
  readonly maxAnswerBytes: number;
  readonly bounds: DisposableBounds;
  readonly flags?: readonly string[];
  /** Everything that can be had by default. */
  readonly hardening?: HardeningOptions | undefined;
  /** How to call an end without an answer: `why` continues "it …". */
  readonly refuse: (why: string, detail?: string) => HostError;
}

/** Rejects with the error that the process answers, or with that of `refuse` when it answered nothing within its bounds. */
export async function askDisposable(question: Question): Promise<Message> {
  const { entry, request, maxAnswerBytes, bounds, flags = [] } = question;
  const hardening = await resolveHardening(question.hardening);
  const user = hardening.users && disposableUser(hardening.users);
  const child = startHardenedProcess({ entry, argument: {}, files: [], flags, hardening, user });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const refuse = (why: string, detail?: string): void => reject(question.refuse(why, detail));
  const channel = pipeChannel<Message, FromProcess>({
    socket: child.channel,
    write: writeMessage,
    read: readAnswer,
    plan: queueMicrotask,
    maxFrameBytes: () => maxAnswerBytes + MAX_VALUE_BYTES,
    onMalformed: () => refuse("broke the process that did it"),
  });
  const timer = setTimeout(() => refuse(`took more than ${bounds.timeoutMs} ms`), bounds.timeoutMs);
  const look = (): void => {
    if ((child.residentBytes() ?? 0) > bounds.memoryBytes) refuse(`took more than ${Math.ceil(bounds.memoryBytes / MIB)} MiB of memory`);
    if ((child.cpuMs() ?? 0) > bounds.cpuMs) refuse(`took more than ${bounds.cpuMs} ms of CPU time`);
  };
  const poll = setInterval(look, POLL_MS);
  void child.exited.then((how) => refuse("ended the process that did it", how));
  channel.receive((said) => {
    if (said !== "ready") {
      look();
      resolve(said);
    }
    // The caps hold between two looks at the process.
    else void child.capMemory(bounds.memoryBytes).then(() => channel.send(request));
  });
  try {
    const answer = await promise;
    if (answer.ok) return answer.answer;
    throw HostError.fromShape(answer.error);
  } finally {
    clearTimeout(timer);
    clearInterval(poll);
    child.kill();
  }
}
