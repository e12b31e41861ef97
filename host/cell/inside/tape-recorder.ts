// Writes down what a guest is told from outside: answers of host functions, clocks, randomness, in the order in which it asks. It stands between the guest and
// all that answers it, so that playing back is the same place. What a host function of crypto, secrets or mail is asked or answers is not written down.

import {
  type Divergence,
  isMasked,
  MAX_BEFORE_BYTES,
  MAX_STATE_BYTES,
  STATE_INTERVAL_MS,
  TAPES_PER_MINUTE,
  type Tape,
} from "../../bounds/turn-tape.ts";
import { toHostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes } from "../../core/types.ts";
import type { GuestEnvironment } from "../../engine/engine.ts";
import { encodeArguments, encodeError, encodeResultView } from "../../engine/guest/blocks.ts";
import type { CellScope } from "../../engine/guest/cell-functions.ts";
import { fillRandom } from "../../engine/guest/random.ts";
import type { TurnMessage } from "./active-turn.ts";
import { throughStorage } from "./through-storage.ts";
import { type NotedEnd, TurnNotes } from "./turn-notes.ts";

const MINUTE_MS = 60_000;
const SALT_BYTES = 16;

export class TapeRecorder {
  readonly #clock: Clock;
  readonly #salt = Buffer.from(crypto.getRandomValues(new Uint8Array(SALT_BYTES))).toString("hex");
  #turn: TurnNotes | undefined;
  /** Those that made the instance what it is; undefined when that cannot be told any more, and then `lost` says why. */
  #before: TurnNotes[] = [];
  #beforeBytes = 0;
  #lost: string | undefined = "its instance was there before anything was written down";
  /** Whether the instance may hold what is never kept. */
  #knowsSecrets = false;
  /** What the instance was before those. */
  #state: Bytes | undefined;
  /** Whether what it is now can take their place. */
  #canBegin = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #minute = Number.NEGATIVE_INFINITY;
  #tapes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What an instance is given, with all that it asks written down. */
  around(environment: GuestEnvironment): GuestEnvironment {
    const { scope, askHost } = environment;
    const { storage, clock } = scope;
    const watched: Partial<CellScope> = {
      storage: throughStorage(
        (name, values, run) => {
          const taken = this.#called(name, encodeArguments(name, values));
          try {
            const value = run(storage);
            taken(encodeResultView(name, value));
            return value;
          } catch (thrown) {
            taken(encodeError(toHostError(thrown)));
            throw thrown;
          }
        },
        () => storage.close(),
      ),
      clock: {
        now: () => this.#noted(clock.now(), (value) => this.#turn?.now(value)),
        monotonicMs: () => this.#noted(clock.monotonicMs(), (value) => this.#turn?.monotonic(value)),
        after: (delayMs, callback) => clock.after(delayMs, callback),
      },
      fillRandom: (bytes) => {
        fillRandom(scope, bytes as Uint8Array<ArrayBuffer>);
        this.#turn?.random(bytes);
      },
    };
    return {
      ...environment,
      // Who calls is asked of what is below.
      scope: Object.assign(Object.create(scope) as CellScope, watched),
      askHost: (name, args) => {
        const taken = this.#called(name, args);
        const turn = this.#turn;
        return askHost(name, args).then((answer) => {
          // What comes for a turn that is over was told to nobody.
          if (turn === this.#turn) taken(answer);
          return answer;
        });
      },
    };
  }

  /** A turn enters its guest; `isNew` says that its instance is made for it. */
  begin(message: TurnMessage, isNew: boolean): void {
    if (isNew) {
      this.#forget(undefined);
      this.#knowsSecrets = false;
    }
    this.#turn = new TurnNotes(message, isNew);
  }

  /** Between two turns: whether what was before is forgotten and what the instance is now would be of use. */
  get wantsState(): boolean {
    return this.#canBegin && this.#clock.monotonicMs() - this.#lookedAt >= STATE_INTERVAL_MS;
  }

  /** What the instance is between two turns; `lost` says why that is not known. */
  beginWith(state: Bytes | undefined, lost: string): void {
    this.#lookedAt = this.#clock.monotonicMs();
    const isKept = state !== undefined && state.length <= MAX_STATE_BYTES;
    this.#forget(isKept ? undefined : lost);
    if (isKept) this.#state = state;
  }

  /** How many calls the turn has made. */
  get calls(): number {
    return this.#turn?.calls ?? 0;
  }

  /** The turn is over. The tape of one that failed; undefined for one that has not, or that never ran, or is one too many of this minute. */
  end(end: NotedEnd): Uint8Array | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    turn.ended(end);
    const tape = isFailure(end) && this.#mayTell() ? this.#taped(turn) : undefined;
    this.#turn = undefined;
    this.#remember(turn);
    return tape;
  }

  /** Like `end`, of a turn that was played back, whatever became of it. */
  endReplay(end: NotedEnd, diverged: Divergence | undefined): Uint8Array | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    turn.ended(end);
    this.#turn = undefined;
    return this.#taped(turn, diverged);
  }

  #taped(turn: TurnNotes, diverged?: Divergence): Uint8Array {
    const tape: Tape = {
      salt: this.#salt,
      state: turn.isNew || this.#state === undefined ? undefined : Buffer.from(this.#state).toString("base64"),
      before: turn.isNew ? [] : this.#before.map((one) => one.taped()),
      lost: turn.isNew ? undefined : this.#lost,
      turn: turn.taped(),
      diverged,
    };
    return new TextEncoder().encode(JSON.stringify(tape));
  }

  #called(name: string, args: readonly Bytes[]): (answer: Bytes) => void {
    const { digest } = this.#knowsSecrets ? { digest: digestOf(this.#salt, args) } : { digest: undefined };
    // Whoever has been answered by one of them has in its memory what it said.
    if (isMasked(name)) this.#knowsSecrets = true;
    return this.#turn?.call(name, args, digest) ?? (() => {});
  }

  #noted<T>(value: T, note: (value: T) => void): T {
    note(value);
    return value;
  }

  #remember(turn: TurnNotes): void {
    if (this.#knowsSecrets) this.#canBegin = false;
    if (this.#lost !== undefined) return;
    if (this.#knowsSecrets) this.#forget("a turn before it was answered by a function of crypto, secrets or mail, which is never kept");
    else if (turn.cut !== undefined) this.#outgrow("more was told to a turn before it than is kept of a turn");
    else {
      this.#before.push(turn);
      this.#beforeBytes += turn.bytes;
      if (this.#beforeBytes > MAX_BEFORE_BYTES)
        this.#outgrow(`the turns before it were told more than ${MAX_BEFORE_BYTES} bytes, which is as much as is kept of them`);
    }
  }

  #outgrow(lost: string): void {
    this.#forget(lost);
    this.#canBegin = true;
  }

  #forget(lost: string | undefined): void {
    this.#canBegin = false;
    this.#state = undefined;
    this.#before = [];
    this.#beforeBytes = 0;
    this.#lost = lost;
  }

  #mayTell(): boolean {
    const now = this.#clock.monotonicMs();
    if (now - this.#minute >= MINUTE_MS) {
      this.#minute = now;
      this.#tapes = 0;
    }
    this.#tapes += 1;
    return this.#tapes <= TAPES_PER_MINUTE;
  }
}

// A refusal is an answer like any other.
const isFailure = ({ failed, refused }: NotedEnd): boolean => refused !== undefined || (failed !== undefined && failed.code !== "refused");

/** Stands for arguments that may hold what is never kept. */
export function digestOf(salt: string, args: readonly Bytes[]): string {
  // Of Node's cryptography only what is asked for takes room in a cell.
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256").update(salt);
  for (const arg of args) hash.update(`${arg.length} `).update(arg);
  return hash.digest("hex");
}
