// What a plugin in a cell has to do with tapes: its turns are written down, and where they are played back also answered from one.

import { type Divergence, MAX_STATE_MEMORY_BYTES } from "../../bounds/turn-tape.ts";
import { type ErrorShape, type HostError, toHostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";
import type { GuestEnvironment, GuestInstance, GuestResult } from "../../engine/engine.ts";
import { encodeState } from "../../engine/state/state-codec.ts";
import type { ActiveTurn } from "./active-turn.ts";
import type { Slice } from "./slice.ts";
import { type Played, TapePlayer } from "./tape-player.ts";
import { TapeRecorder } from "./tape-recorder.ts";

export class TurnTape {
  readonly #recorder: TapeRecorder;
  readonly #player: TapePlayer | undefined;
  #guestEndedWell = false;

  /** `doom` ends the guest that runs. */
  constructor(mode: NonNullable<PluginImage["tape"]>, clock: Clock, doom: (error: HostError) => void) {
    this.#recorder = new TapeRecorder(clock);
    this.#player = mode === "replay" ? new TapePlayer({ clock, doom }) : undefined;
  }

  /** The next turn is told this; JSON text of the host's. */
  play(played: Bytes): void {
    this.#player?.play(JSON.parse(new TextDecoder().decode(played)) as Played);
  }

  around(environment: GuestEnvironment): GuestEnvironment {
    return this.#recorder.around(this.#player?.around(environment) ?? environment);
  }

  begin({ message, fuel }: ActiveTurn, isNew: boolean, slice: Slice): void {
    this.#guestEndedWell = false;
    this.#recorder.begin(message, isNew);
    if (this.#player !== undefined) slice.maxPiece = pieceOf(this.#player.fuelLeft(fuel));
  }

  /** Whether a turn that time ended has come as far as then; until it has, the next piece of its slice is no longer than that. */
  isOver({ fuel }: ActiveTurn, slice: Slice): boolean {
    const left = this.#player?.fuelLeft(fuel);
    if (left === undefined) return false;
    slice.maxPiece = pieceOf(left);
    return left <= 0;
  }

  /** Between two turns, whether what the instance is then is to be kept. */
  wantsState({ memoryBytes, capture }: GuestInstance): boolean {
    return capture !== undefined && this.#recorder.wantsState && memoryBytes <= MAX_STATE_MEMORY_BYTES;
  }

  /** Looks what the instance is. Never rejects. */
  async keepState(instance: GuestInstance): Promise<void> {
    try {
      const state = await instance.capture?.();
      this.#recorder.beginWith(
        state && encodeState(state, 2 * MAX_STATE_MEMORY_BYTES),
        "what its instance was before it is too much to be kept",
      );
    } catch (thrown) {
      this.#recorder.beginWith(undefined, `what its instance was before it cannot be told: ${toHostError(thrown).message}`);
    }
  }

  /** An instance goes on from a state that was kept while it slept. */
  goesOnFrom(state: Bytes): void {
    this.#recorder.beginWith(state.slice(), "its instance went on from a state that is too much to be kept");
  }

  /** How the turn ended then. */
  get fate(): HostError {
    return (this.#player as TapePlayer).fate;
  }

  /** The guest has ended by itself; how the turn ends, as far as the tape knows. */
  guestEnded(result: GuestResult): GuestResult {
    this.#guestEndedWell = result.ok;
    const refused = this.#player?.refused;
    return result.ok && refused !== undefined ? { ok: false, broken: false, ...refused } : result;
  }

  /** What is to be told of the turn to the host, if anything. */
  end({ fuel }: ActiveTurn, result: GuestResult): Uint8Array | undefined {
    const error = result.ok ? undefined : shapeOf(result);
    const end = this.#guestEndedWell ? { fuel, refused: error } : { fuel, failed: error };
    if (this.#player === undefined) return this.#recorder.end(end);
    const diverged: Divergence | undefined = this.#player.diverged;
    return this.#recorder.endReplay(end, diverged);
  }
}

// Spent once there is less than nothing left: the check at which all of it was used up finds that.
const pieceOf = (left: number | undefined): number => (left === undefined ? Number.POSITIVE_INFINITY : Math.max(1, left - 1));

function shapeOf({ code, message, detail, reason, retryAfterMs }: Extract<GuestResult, { ok: false }>): ErrorShape {
  return { code, message, detail, reason, retryAfterMs };
}
