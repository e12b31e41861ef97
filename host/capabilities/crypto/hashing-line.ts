// Who may hash a password next. A hash keeps a core busy for tens of milliseconds and takes megabytes, so few run at once, and nobody can keep the others from
// it: the next one is of the plugin that has fewest under way, then of the one for whom least was hashed so far. The host itself, which hashes for those who log
// in, stands in it like a plugin.

import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { HashingQueue } from "../../seams.ts";

/** Of libuv's four threads, which read files and look up names as well. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 8;
/** Until one was measured. */
const USUAL_MS = 50;

interface Job {
  /** On the monotonic clock; what was not begun by then is not begun. */
  readonly deadline: number;
  begin(): Promise<void>;
  refuse(error: HostError): void;
}

interface Line {
  readonly waiting: Job[];
  running: number;
  /** What was hashed for it, but never less than for those who were served when it came. */
  virtualMs: number;
}

export class HashingLine implements HashingQueue, Disposable {
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();
  #running = 0;
  #virtualMs = 0;
  #lastMs = USUAL_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  run<T>(plugin: string, { deadline, spend }: { readonly deadline: number; spend(ms: number): void }, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(plugin) ?? { waiting: [], running: 0, virtualMs: this.#virtualMs };
    if (line.waiting.length >= MAX_WAITING) return Promise.reject(this.#tooMany(plugin));
    this.#lines.set(plugin, line);
    return new Promise<T>((resolve, reject) => {
      const begin = async (): Promise<void> => {
        const began = this.#clock.monotonicMs();
        await work().then(resolve, reject);
        this.#lastMs = this.#clock.monotonicMs() - began;
        line.virtualMs += this.#lastMs;
        spend(this.#lastMs);
      };
      line.waiting.push({ deadline, begin, refuse: reject });
      this.#serve();
    });
  }

  /** Refuses all that wait. */
  [Symbol.dispose](): void {
    const stopped = new HostError("plugin-not-running", "the host stops");
    for (const { waiting } of this.#lines.values()) for (const job of waiting.splice(0)) job.refuse(stopped);
  }

  #tooMany(plugin: string): HostError {
    const retryAfterMs = Math.ceil((MAX_WAITING * this.#lastMs) / MAX_AT_ONCE);
    return new HostError("rate-limited", `${MAX_WAITING} passwords of ${plugin} wait to be hashed, and no more may; try again later`, {
      retryAfterMs,
    });
  }

  #serve(): void {
    while (this.#running < MAX_AT_ONCE) {
      const [plugin, line] = this.#next() ?? [];
      const job = line?.waiting.shift();
      if (plugin === undefined || line === undefined || job === undefined) return;
      this.#virtualMs = Math.max(this.#virtualMs, line.virtualMs);
      if (this.#clock.monotonicMs() >= job.deadline) {
        job.refuse(new HostError("deadline-exceeded", "the time was over before the password's turn to be hashed came"));
        this.#forgetIdle(plugin, line);
      } else void this.#begin(plugin, line, job);
    }
  }

  async #begin(plugin: string, line: Line, job: Job): Promise<void> {
    line.running += 1;
    this.#running += 1;
    await job.begin();
    line.running -= 1;
    this.#running -= 1;
    this.#forgetIdle(plugin, line);
    this.#serve();
  }

  #forgetIdle(plugin: string, { waiting, running }: Line): void {
    if (waiting.length === 0 && running === 0) this.#lines.delete(plugin);
  }

  #next(): readonly [string, Line] | undefined {
    let found: readonly [string, Line] | undefined;
    for (const entry of this.#lines) {
      const [, line] = entry;
      if (line.waiting.length > 0 && (found === undefined || isBefore(line, found[1]))) found = entry;
    }
    return found;
  }
}

const isBefore = (one: Line, other: Line): boolean =>
  one.running === other.running ? one.virtualMs < other.virtualMs : one.running < other.running;
