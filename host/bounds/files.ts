// Files of strangers: a plain file within bounds, opened once without following a link and read once. A pipe, a device or a link is refused before
// anything is read of it.

import { constants, open } from "node:fs/promises";
import { HostError, type HostErrorCode } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";

const MIB = 1_024 * 1_024;
// Opening a pipe that nobody writes to would wait for ever.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const NOT_THERE: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR"]);
// What a link, and what a socket answers.
const NOT_PLAIN: ReadonlySet<unknown> = new Set(["ELOOP", "ENXIO"]);

export interface FileRules {
  readonly maxBytes: number;
  /** Of a file that is not there, is not plain or may not be read. */
  readonly code: HostErrorCode;
  /** What to do when it is not there. */
  readonly remedy: string;
}

/** Rejects with a HostError with the rules' code, or `quota-exceeded` for one that is too large, also one that grows while it is read. */
export async function readPlainFile(path: string, { maxBytes, code, remedy }: FileRules): Promise<Buffer<ArrayBuffer>> {
  const file = escapeControls(path);
  const tooLarge = (): HostError => new HostError("quota-exceeded", `${file} has more than ${maxBytes / MIB} MiB, which is the limit`);
  try {
    await using handle = await open(path, FLAGS);
    const found = await handle.stat();
    if (!found.isFile()) throw notPlain(file, code);
    if (found.size > maxBytes) throw tooLarge();
    // One byte more than it has shows whether it grows.
    const bytes = Buffer.allocUnsafeSlow(found.size + 1);
    let length = 0;
    for (let read = -1; read !== 0; length += read) {
      if (length === bytes.length) throw tooLarge();
      read = (await handle.read(bytes, length, bytes.length - length, length)).bytesRead;
    }
    return bytes.subarray(0, length);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const errno = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (NOT_PLAIN.has(errno)) throw notPlain(file, code, cause);
    throw new HostError(code, `${file} cannot be read; ${NOT_THERE.has(errno) ? remedy : "check who may"}`, { cause });
  }
}

const notPlain = (file: string, code: HostErrorCode, cause?: unknown): HostError =>
  new HostError(code, `${file} is no plain file; links, pipes and devices are not followed`, { cause });
