// How far the audit log had come, in a file beside the database: a database that is emptied, lost or put back from long ago does not pass for whole.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const FILE = "audit.anchor";
const MAX_BYTES = 4_096;

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

const headSchema: z.ZodType<AuditHead> = z.strictObject({ seq: z.int().nonnegative(), hash: z.string() });

export class AuditAnchor {
  readonly #file: string;

  constructor(dataDir: string) {
    this.#file = join(dataDir, FILE);
  }

  /** Undefined where none was ever written; "damaged" for what is none. */
  read(): AuditHead | "damaged" | undefined {
    try {
      const text = readFileSync(this.#file, "utf8").slice(0, MAX_BYTES);
      return headSchema.parse(JSON.parse(text));
    } catch (cause) {
      return cause instanceof Error && "code" in cause && cause.code === "ENOENT" ? undefined : "damaged";
    }
  }

  /** Whole or not at all. */
  write({ seq, hash }: AuditHead): void {
    const unfinished = `${this.#file}.unfinished`;
    const descriptor = openSync(unfinished, "w", 0o600);
    try {
      writeSync(descriptor, `${JSON.stringify({ seq, hash })}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, this.#file);
  }
}
