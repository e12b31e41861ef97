// What an operator hands out again, one after the other, and how that went.

import type { HandedOut } from "../../admin/dead-letters.ts";
import type { DeadLetter, EventLog } from "../../core/ports/events.ts";
import type { TurnOutcome } from "../../core/types.ts";

const MAX_FAILURES = 10;

/** What is handled is no dead letter any more. `hand` says why one was not. */
export async function handOutAgain(
  letters: readonly DeadLetter[],
  log: Pick<EventLog, "drop">,
  hand: (letter: DeadLetter) => Promise<string | undefined>,
): Promise<Omit<HandedOut, "next">> {
  const tally = new Outcomes();
  for (const letter of letters) {
    const why = await hand(letter);
    tally.add(why === undefined ? undefined : `${letter.id}: ${why}`);
    if (why === undefined) await log.drop([letter.id]);
  }
  return tally.counted;
}

export const failureOf = (outcome: TurnOutcome): string | undefined =>
  outcome.ok ? undefined : `${outcome.error.code}: ${outcome.error.message}`;

export class Outcomes {
  #handled = 0;
  readonly #failures: string[] = [];
  #failed = 0;

  add(failure: string | undefined): void {
    if (failure === undefined) this.#handled += 1;
    else {
      this.#failed += 1;
      if (this.#failures.length < MAX_FAILURES) this.#failures.push(failure);
    }
  }

  get counted(): Omit<HandedOut, "next"> {
    return { handled: this.#handled, failed: this.#failed, failures: this.#failures };
  }
}
