// What an operator can do with turns that failed and were kept: see which there are, read one, drop some. Who reads one is told what was said in the turn, so
// that is written down first.

import { z } from "zod";
import type { RecordHead, TurnRecord } from "../bounds/turn-record.ts";
import { checked, type Operation } from "./checked.ts";
import type { RecordEntry } from "./dead-letters.ts";
import type { TurnRecords } from "./turn-records.ts";

export interface RecordOperationsPorts {
  readonly records: TurnRecords;
  readonly record: RecordEntry;
}

export interface ListedRecords {
  /** The latest first. */
  readonly records: readonly RecordHead[];
  /** Of all that are kept. */
  readonly kept: number;
  readonly bytes: number;
}

interface Listing {
  readonly plugin?: string | undefined;
  readonly limit: number;
}

const id = z.string().regex(/^[0-9a-f]{12}$/, 'write the 12 hexadecimal digits of a record, as "bulkhead records list" shows them');
const listSchema: z.ZodType<Listing> = z.strictObject({
  plugin: z.string().max(63).optional(),
  limit: z.int().min(1).max(1_000).default(100),
});
const oneSchema: z.ZodType<{ readonly id: string }> = z.strictObject({ id });
const dropSchema: z.ZodType<{ readonly ids: readonly string[] }> = z.strictObject({ ids: z.array(id).min(1).max(1_000) });

export function recordOperations({ records, record }: RecordOperationsPorts): readonly (readonly [string, Operation])[] {
  return [
    [
      "records",
      checked(listSchema, (wanted): ListedRecords => {
        const listed = records.list(wanted);
        const { records: kept, bytes } = records.usage();
        return { records: listed, kept, bytes };
      }),
    ],
    [
      "read-record",
      checked(oneSchema, ({ id: wanted }, actor): TurnRecord => {
        const found = records.read(wanted);
        record(actor, "read-record", found.plugin, { id: wanted, entryPoint: found.entryPoint });
        return found;
      }),
    ],
    [
      "drop-records",
      checked(dropSchema, ({ ids }, actor) => {
        record(actor, "drop-records", "host", { ids });
        return { dropped: records.drop(ids) };
      }),
    ],
  ];
}
