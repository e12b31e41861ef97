// Answers a guest from a tape instead of the host, its storage, its clocks and its randomness: nothing that it asks for is done. Where it asks for something
// else than before it is ended, and where is written down.

import { type Divergence, isMasked, type TapedCall, type TapedTurn } from "../../bounds/turn-tape.ts";
import { type ErrorShape, HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes } from "../../core/types.ts";
import type { GuestEnvironment } from "../../engine/engine.ts";
import { decodeError, decodeResult, encodeArguments, encodeError } from "../../engine/guest/blocks.ts";
import type { CellScope } from "../../engine/guest/cell-functions.ts";
import { digestOf } from "./tape-recorder.ts";
import { throughStorage } from "./through-storage.ts";

/** What is played next. */
export interface Played {
  readonly salt: string;
  readonly turn: TapedTurn;
  /** Answers that no tape has, by function: what follows the tag of a block, in base64. */
  readonly answers: Readonly<Record<string, string>>;
}

export interface TapePlayerPorts {
  readonly clock: Clock;
  /** Ends the guest at its next check. */
  doom(error: HostError): void;
}

/** By what a turn ends that the clock ended: on another machine, or a busier one, it would be elsewhere. */
const TIMED: ReadonlySet<string> = new Set(["cpu-exhausted", "deadline-exceeded"]);

export class TapePlayer {
  readonly #ports: TapePlayerPorts;
  #played: Played | undefined;
  #call = 0;
  #now = 0;
  #monotonic = 0;
  #random: Bytes = new Uint8Array(0);
  #diverged: Divergence | undefined;

  constructor(ports: TapePlayerPorts) {
    this.#ports = ports;
  }

  /** The next turn is answered from this. */
  play(played: Played): void {
    this.#played = played;
    this.#call = 0;
    this.#now = 0;
    this.#monotonic = 0;
    this.#random = Buffer.from(played.turn.random, "base64");
    this.#diverged = undefined;
  }

  get diverged(): Divergence | undefined {
    return this.#diverged;
  }

  /** What the host made of a turn that had ended well. */
  get refused(): ErrorShape | undefined {
    return this.#played?.turn.refused;
  }

  /** How much more fuel a turn may use that has used so much; undefined when fuel is not what ends it. */
  fuelLeft(used: number): number | undefined {
    const { failed, fuel } = this.#played?.turn ?? { failed: undefined, fuel: 0 };
    return failed !== undefined && TIMED.has(failed.code) ? fuel - used : undefined;
  }

  /** How the turn ended that time ended. */
  get fate(): HostError {
    const { code, message } = this.#played?.turn.failed ?? { code: "deadline-exceeded", message: "the turn ended here" };
    // Where it was is said anew.
    return new HostError(code, message.replace(/; it was in [^;]*$/, ""));
  }

  /** What an instance is given: nothing of the host's. */
  around(environment: GuestEnvironment): GuestEnvironment {
    const { scope } = environment;
    const played: Partial<CellScope> = {
      storage: throughStorage(
        (name, values) => {
          const block = this.#answer(name, encodeArguments(name, values));
          if (block[0] !== 0) throw decodeError(block);
          return decodeResult(name, block);
        },
        () => {},
      ),
      clock: {
        now: () => this.#told("now"),
        monotonicMs: () => this.#told("monotonic"),
        // What it waited for then has come.
        after: (_delayMs, callback) => this.#ports.clock.after(0, callback),
      },
      fillRandom: (bytes) => this.#fill(bytes),
    };
    return {
      ...environment,
      scope: Object.assign(Object.create(scope) as CellScope, played),
      askHost: async (name, args) => this.#answer(name, args),
    };
  }

  #answer(name: string, args: readonly Bytes[]): Bytes {
    const { turn, salt = "", answers = {} } = this.#played ?? {};
    const step = this.#call;
    const call = turn?.calls[step];
    this.#call += 1;
    if (call === undefined) return this.#beyond({ step, why: "more-calls", asked: name });
    if (call.name !== name) return this.#diverge({ step, why: "another-function", asked: name });
    if (!isMasked(name)) {
      if (!matches(call, args, salt)) return this.#diverge({ step, why: "other-arguments", asked: name });
      return call.answer === undefined ? this.#unanswered({ step, why: "not-kept", asked: name }) : Buffer.from(call.answer, "base64");
    }
    const given = Object.hasOwn(answers, name) ? answers[name] : undefined;
    if (given === undefined) return this.#diverge({ step, why: "masked", asked: name });
    return Buffer.concat([Buffer.of(0), Buffer.from(given, "base64")]);
  }

  #told(clock: "now" | "monotonic"): number {
    const all = this.#played?.turn[clock] ?? [];
    const at = clock === "now" ? this.#now++ : this.#monotonic++;
    const value = all[at];
    if (value !== undefined) return value;
    this.#beyond({ step: at, why: "more-clock", asked: `clock.${clock}` });
    return all.at(-1) ?? 0;
  }

  #fill(bytes: Uint8Array): void {
    if (bytes.length > this.#random.length)
      this.#beyond({ step: this.#played?.turn.calls.length ?? 0, why: "more-random", asked: "random.bytes" });
    bytes.set(this.#random.subarray(0, bytes.length));
    this.#random = this.#random.subarray(bytes.length);
  }

  // All that was told is told. Of a turn that time ended this is where it was; where the tape was cut nobody knows what came.
  #beyond(divergence: Divergence): Bytes {
    if (this.#played?.turn.cut !== undefined) return this.#diverge({ ...divergence, why: "not-kept" });
    return this.#unanswered(divergence);
  }

  #unanswered(divergence: Divergence): Bytes {
    const { turn } = this.#played ?? {};
    if (turn?.cut !== undefined || turn?.failed === undefined || !TIMED.has(turn.failed.code)) return this.#diverge(divergence);
    this.#ports.doom(this.fate);
    return encodeError(this.fate);
  }

  #diverge(divergence: Divergence): Bytes {
    this.#diverged ??= divergence;
    const error = new HostError("conflict", `${divergence.asked} is not what was recorded`);
    this.#ports.doom(error);
    return encodeError(error);
  }
}

function matches({ args, digest }: TapedCall, given: readonly Bytes[], salt: string): boolean {
  if (digest !== undefined) return digest === digestOf(salt, given);
  return args?.length === given.length && given.every((arg, i) => Buffer.from(args[i] ?? "", "base64").equals(arg));
}
