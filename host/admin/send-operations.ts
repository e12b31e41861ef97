// What an operator can do with what plugins have sent: see what waits for whom, and handle dead letters.

import { z } from "zod";
import type { ConsumerStatistics, DeadLetter, EventLog } from "../core/ports/events.ts";
import { checked, type Operation } from "./checked.ts";
import { deadLetterOperations, type HandedOut, type RecordEntry } from "./dead-letters.ts";

export interface SendStatistics {
  /** What waits or is under way now; and since the host started, how many were taken, and how many of these failed. */
  readonly volatile: { readonly waiting: number; readonly waitingBytes: number; readonly taken: number; readonly failed: number };
  /** Those that something durable was ever sent to. */
  readonly services: readonly (Omit<ConsumerStatistics, "consumer"> & { readonly service: string })[];
}

/** The sends of a running host. */
export interface LiveSends {
  /** With all that is kept; it is opened if nobody has needed it so far. Rejects with HostError. */
  kept(): Promise<EventLog>;
  redeliver(letters: readonly DeadLetter[]): Promise<Omit<HandedOut, "next">>;
  statistics(): SendStatistics;
}

export interface SendOperationsPorts {
  /** Throws HostError when no host runs. */
  live(): LiveSends;
  readonly record: RecordEntry;
}

const noneSchema = z.strictObject({});

export function sendOperations({ live, record }: SendOperationsPorts): readonly (readonly [string, Operation])[] {
  return [
    ["sends-stats", checked(noneSchema, (): SendStatistics => live().statistics())],
    ...deadLetterOperations({
      ...{ kind: "sends", record },
      log: async () => live().kept(),
      redeliver: (letters) => live().redeliver(letters),
    }),
  ];
}
