// What an operator can do with what plugins keep for themselves. To look at it is written down as well as to change it: it is the plugin's own, and may be private.

import { z } from "zod";
import type { Actor, AuditLog } from "./audit.ts";
import type { OperationQueue } from "./operation-queue.ts";
import type { StoredData } from "./stored-data.ts";

const SHOWN = 1_000;

interface Row {
  // biome-ignore lint/suspicious/noExplicitAny: each row's input is its own schema's.
  readonly schema: z.ZodType<any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  run(input: any, actor: Actor): unknown;
}

const row = <T>(schema: z.ZodType<T>, run: (input: T, actor: Actor) => unknown): Row => ({ schema, run });

const text: z.ZodString = z.string().min(1).max(512);
const plugin: z.ZodString = z.string();

export function storageOperations({
  data,
  audit,
  queue,
}: {
  readonly data: StoredData;
  readonly audit: AuditLog;
  readonly queue: OperationQueue;
}): readonly (readonly [string, Row])[] {
  const note = (actor: Actor, name: string, subject: string, detail: Readonly<Record<string, unknown>> = {}): void =>
    audit.append(actor, name, subject, detail);
  return [
    [
      "storage-keys",
      row(z.strictObject({ plugin, prefix: z.string().max(512).default(""), after: text.optional() }), (input, actor) => {
        note(actor, "storage-keys", input.plugin, { prefix: input.prefix });
        return data.keys(input.plugin, { prefix: input.prefix, after: input.after, limit: SHOWN });
      }),
    ],
    [
      "storage-get",
      row(z.strictObject({ plugin, key: text }), (input, actor) => {
        note(actor, "storage-get", input.plugin, { key: input.key });
        return data.get(input.plugin, input.key);
      }),
    ],
    [
      "storage-log",
      row(z.strictObject({ plugin, after: z.int().nonnegative().default(0) }), (input, actor) => {
        note(actor, "storage-log", input.plugin);
        return data.log(input.plugin, input.after, SHOWN);
      }),
    ],
    [
      "storage-move",
      row(z.strictObject({ plugin, to: text }), (input, actor) =>
        queue.run(input.plugin, async () => {
          const moved = await data.move(input.plugin, input.to);
          note(actor, "storage-move", input.plugin, { ...moved });
          return moved;
        }),
      ),
    ],
    [
      "storage-drop",
      row(z.strictObject({ plugin, from: text }), (input, actor) =>
        queue.run(input.plugin, async () => {
          await data.drop(input.plugin, input.from);
          note(actor, "storage-drop", input.plugin, { from: input.from });
          return input.from;
        }),
      ),
    ],
  ];
}
