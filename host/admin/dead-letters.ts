// What an operator can do with what was kept and could not be handled, be it events or sent messages: see it, hand it out again, take it away.

import { z } from "zod";
import { encodeEvent } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import type { DeadLetter, EventLog } from "../core/ports/events.ts";
import type { Actor } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";

export interface ShownLetter {
  readonly id: number;
  readonly consumer: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly reason: string;
  readonly attempts: number;
  readonly at: string;
  /** Only when it was asked for by itself. */
  readonly event?: string | undefined;
}

/** How many turns went how. */
export interface HandedOut {
  readonly handled: number;
  readonly failed: number;
  /** The first of the failures. */
  readonly failures: readonly string[];
  /** Where to go on; undefined when all is done. */
  readonly next: number | undefined;
}

export type RecordEntry = (actor: Actor, action: string, subject: string, detail: Readonly<Record<string, unknown>>) => void;

export interface DeadLetterPorts {
  /** What the letters are of; operations and actions of the audit log have it in their names. */
  readonly kind: "events" | "sends";
  /** Rejects with HostError when no host runs. */
  log(): Promise<EventLog>;
  /** Hands dead letters to those they were for; one that is handled is none any more. Rejects with `plugin-not-running`. */
  redeliver(letters: readonly DeadLetter[]): Promise<Omit<HandedOut, "next">>;
  readonly record: RecordEntry;
}

const LETTERS_AT_ONCE = 100;
const MAX_NAME = 320;

const deadSchema = z.strictObject({ of: z.string().max(MAX_NAME).optional(), after: z.int().nonnegative().default(0) });
const letterSchema = z.strictObject({ id: z.int().positive() });
const lettersSchema = z.strictObject({
  of: z.string().max(MAX_NAME).optional(),
  ids: z.array(z.int().positive()).max(LETTERS_AT_ONCE).optional(),
});

export function deadLetterOperations({ kind, log, redeliver, record }: DeadLetterPorts): readonly (readonly [string, Operation])[] {
  const letterOf = async (id: number): Promise<DeadLetter> => {
    const [letter] = await (await log()).deadLetters({ after: id - 1, limit: 1 });
    if (letter?.id === id) return letter;
    throw new HostError("invalid-message", `there is no dead letter ${id}; "bulkhead ${kind} dead list" shows them`);
  };
  const chosen = async ({ of, ids = [] }: z.infer<typeof lettersSchema>): Promise<DeadLetter[]> => {
    if (ids.length > 0) return Promise.all(ids.map(letterOf));
    if (of === undefined) throw new HostError("invalid-message", "name a plugin, or the numbers of dead letters");
    return [...(await (await log()).deadLetters({ of, after: 0, limit: LETTERS_AT_ONCE }))];
  };
  const recordChoice = (actor: Actor, action: string, letters: readonly DeadLetter[]): void => {
    const subject = [...new Set(letters.map(({ consumer }) => consumer))].join(", ").slice(0, 200);
    if (letters.length > 0) record(actor, `${action}-${kind}`, subject, { ids: letters.map(({ id }) => id) });
  };
  return [
    [
      `${kind}-dead`,
      checked(
        deadSchema,
        async (range): Promise<ShownLetter[]> =>
          (await (await log()).deadLetters({ ...range, limit: LETTERS_AT_ONCE })).map((letter) => shownLetter(letter)),
      ),
    ],
    [
      `${kind}-dead-letter`,
      checked(letterSchema, async ({ id }, actor): Promise<ShownLetter> => {
        const letter = await letterOf(id);
        record(actor, "read-dead-letter", letter.consumer, { id });
        return { ...shownLetter(letter), event: encodeEvent(letter.event) };
      }),
    ],
    [
      `${kind}-redeliver`,
      checked(lettersSchema, async (which, actor) => {
        const letters = await chosen(which);
        recordChoice(actor, "redeliver", letters);
        return redeliver(letters);
      }),
    ],
    [
      `${kind}-drop`,
      checked(lettersSchema, async (which, actor) => {
        const letters = await chosen(which);
        recordChoice(actor, "drop", letters);
        return { dropped: await (await log()).drop(letters.map(({ id }) => id)) };
      }),
    ],
  ];
}

function shownLetter({ id, consumer, event, reason, attempts, atMs }: DeadLetter): ShownLetter {
  const { type, source, time } = event;
  return { id, consumer, type, source, time, reason, attempts, at: new Date(atMs).toISOString() };
}
