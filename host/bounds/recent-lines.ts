// The last lines of the log, kept in memory for whoever asks what happened, and told to whoever follows.

import { describeCause } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LoggedLine, LogLevel, LogLine, LogSink } from "../core/ports/log.ts";
import { HOST, isAtLeast } from "./log-levels.ts";

const MAX_LINES = 2_000;
const MAX_BYTES = 2 * 1_024 * 1_024;
/** What a line costs beside its texts, which V8 keeps in one or two bytes a character. */
const LINE_BYTES = 256;
const CHARACTER_BYTES = 2;

/** Which lines somebody wants. */
export interface WantedLines {
  /** Those that it wrote, or that are about it. */
  readonly plugin?: string | undefined;
  /** Of this level at least. */
  readonly level?: LogLevel | undefined;
}

export interface LinePage {
  /** Oldest first. */
  readonly lines: readonly LoggedLine[];
  /** How many after `after` are kept no more, whoever wrote them. */
  readonly missed: number;
  /** What to give as `after` to go on. */
  readonly next: number;
}

export const isWanted = (line: LogLine, { plugin, level = "debug" }: WantedLines): boolean =>
  isAtLeast(line.level, level) && (plugin === undefined || plugin === line.plugin || plugin === line.about);

/** Whose words they are, so that one who says much is the one whose lines go. */
interface Speaker {
  readonly lines: LoggedLine[];
  bytes: number;
}

export class RecentLines implements LogSink {
  readonly #clock: Pick<Clock, "now">;
  readonly #speakers = new Map<string, Speaker>();
  readonly #followers = new Set<(line: LoggedLine) => void>();
  #count = 0;
  #bytes = 0;
  #seq = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  write(given: LogLine): void {
    const cause = given.cause === undefined ? undefined : describeCause(given.cause);
    this.#seq += 1;
    const line: LoggedLine = Object.freeze({ ...given, cause, seq: this.#seq, at: this.#clock.now() });
    this.#keep(line);
    while (this.#count > MAX_LINES || this.#bytes > MAX_BYTES) this.#drop();
    for (const follower of this.#followers) this.#tell(follower, line);
  }

  recent(): readonly LoggedLine[] {
    return [...this.#speakers.values()].flatMap(({ lines }) => lines).sort((one, other) => one.seq - other.seq);
  }

  /** Without `after` the last `limit` lines, with it the first ones behind that. */
  read({ after, limit, ...wanted }: WantedLines & { readonly after?: number | undefined; readonly limit: number }): LinePage {
    const behind = this.recent().filter(({ seq }) => seq > (after ?? 0));
    const fitting = behind.filter((line) => isWanted(line, wanted));
    if (after === undefined) return { lines: fitting.slice(-limit), missed: 0, next: this.#seq };
    const lines = fitting.slice(0, limit);
    const missed = Math.max(0, this.#seq - after - behind.length);
    return { lines, missed, next: fitting.length > limit ? (lines.at(-1)?.seq ?? after) : this.#seq };
  }

  /** Tells of each line as it is written; returns its undo. A follower that throws is told of none any more. */
  follow(follower: (line: LoggedLine) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  // Whoever writes a line is not to fail because somebody else listens; the next line says what became of him.
  #tell(follower: (line: LoggedLine) => void, line: LoggedLine): void {
    try {
      follower(line);
    } catch (cause) {
      this.#followers.delete(follower);
      this.write({ level: "error", plugin: "host", message: "whoever followed the log failed, and follows it no more", cause });
    }
  }

  #keep(line: LoggedLine): void {
    const name = speakerOf(line);
    const speaker = this.#speakers.get(name) ?? { lines: [], bytes: 0 };
    this.#speakers.set(name, speaker);
    speaker.lines.push(line);
    this.#count += 1;
    this.#add(speaker, bytesOf(line));
  }

  /** The oldest line of whoever has most. */
  #drop(): void {
    let most: Speaker | undefined;
    for (const speaker of this.#speakers.values()) if (most === undefined || speaker.bytes > most.bytes) most = speaker;
    const dropped = most?.lines.shift();
    if (most === undefined || dropped === undefined) return;
    this.#count -= 1;
    this.#add(most, -bytesOf(dropped));
    if (most.lines.length === 0) this.#speakers.delete(speakerOf(dropped));
  }

  #add(speaker: Speaker, bytes: number): void {
    speaker.bytes += bytes;
    this.#bytes += bytes;
  }
}

const speakerOf = ({ by, plugin }: LoggedLine): string => (by === "guest" ? plugin : HOST);

const bytesOf = ({ message, plugin, about = "", cause = "" }: LoggedLine): number =>
  LINE_BYTES + CHARACTER_BYTES * (message.length + plugin.length + about.length + cause.length);
