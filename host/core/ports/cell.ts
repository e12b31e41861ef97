// The place in which instances run, and what the core hands over to it.

import type { HostError } from "../errors.ts";
import type { Bytes, Caller, HandledEvents, PluginImage, TurnInput, TurnOutcome } from "../types.ts";

/** One entry into a guest as a cell sees it. */
export interface Turn {
  readonly plugin: string;
  readonly entryPoint: string;
  readonly input: TurnInput;
  readonly caller: Caller;
  readonly traceparent: string;
  /** On the host's monotonic clock. */
  readonly deadline: number;
  /** Aborts when whoever asked does not want the answer any more; the turn then ends as at its deadline. */
  readonly cancelled?: AbortSignal | undefined;
  readonly handles?: HandledEvents | undefined;
  /** Answers a host function that is placed on the host's side with the tagged block. Rejects with HostError. */
  answer(functionName: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Takes the one outcome; a cell that dies ends its turns with `plugin-failed`. */
  end(outcome: TurnOutcome): void;
}

/** What a turn was told that a cell writes down of it, and how it ended. */
export interface RecordedTurn extends Pick<Turn, "plugin" | "entryPoint" | "input" | "caller" | "traceparent"> {
  /** Of the module that ran, in hex. */
  readonly moduleSha256: string;
  /** As the cell wrote it, not looked at. */
  readonly tape: Bytes;
  readonly outcome: TurnOutcome;
}

/** Functions of a guest, outermost first, joined by semicolons, and how much fuel was spent in the last of them. */
export interface ProfiledStack {
  readonly stack: string;
  readonly fuel: number;
}

/** Turns of one plugin run one at a time, in the order given. */
export interface Cell {
  /** Resolves with the reason once the cell is closed or has died. Never rejects. */
  readonly ended: Promise<HostError>;
  /**
   * Compiles the module and opens the plugin's storage; answers "resumed" where the plugin goes on from what was kept of it, as if it had never been away. Rejects with
   * HostError. Until it is unloaded, `hold` keeps the plugin's turns back for a moment in which the cell cannot take them; it returns its undo.
   */
  load(image: PluginImage, hold?: () => () => void): Promise<"resumed" | undefined>;
  /** Runs one turn and ends it, later; never throws. */
  run(turn: Turn): void;
  /** Begins to look where the plugin's CPU goes, or ends it and tells. Rejects with HostError. */
  profile?(plugin: string, on: boolean): Promise<readonly ProfiledStack[]>;
  /** The plugin's next turn is told this. Rejects with HostError where it is not loaded for that. */
  replay?(plugin: string, played: Bytes): Promise<void>;
  /**
   * Ends what still runs of the plugin, drops its instance and closes its storage. What was kept of it goes too, but with `keeps`, where a cell that can keeps what the
   * plugin is at this moment, and answers "stays", with the plugin as it was, where it cannot.
   */
  unload(plugin: string, keeps?: boolean): Promise<"stays" | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}
