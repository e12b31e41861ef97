// Lets the program's own code work for a call until nobody waits for it any more.

import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { MaybePromise } from "../core/types.ts";

export interface Waiting {
  readonly clock: Clock;
  /** On the clock's monotonic time. */
  readonly deadline: number;
  readonly cancelled?: AbortSignal | undefined;
  /** What is waited for, in messages. */
  readonly what: string;
}

/** Settles as `work` does. Rejects with HostError `deadline-exceeded` once the time is over or the wait cancelled; then the signal that `work` has aborts. */
export async function waitFor<T>(
  { clock, deadline, cancelled, what }: Waiting,
  work: (signal: AbortSignal) => MaybePromise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = (): void => over.abort(new HostError("deadline-exceeded", `${what} did not answer before its deadline`));
  const cancel = clock.after(Math.max(0, deadline - clock.monotonicMs()), late);
  cancelled?.addEventListener("abort", late, { once: true });
  const ended = new Promise<never>((_resolve, reject) =>
    over.signal.addEventListener("abort", () => reject(over.signal.reason), { once: true }),
  );
  try {
    const answered = Promise.resolve(work(over.signal));
    answered.catch(() => {});
    return await Promise.race([answered, ended]);
  } finally {
    cancel();
    cancelled?.removeEventListener("abort", late);
    ended.catch(() => {});
  }
}
