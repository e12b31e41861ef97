// Takes the types out of a stranger's TypeScript. The parser is native code of Node's, and its input a stranger's: so it works in a process made for one program.

import { createHash } from "node:crypto";
import pLimit from "p-limit";
import { z } from "zod";
import { askDisposable, type DisposableBounds } from "../cell/admission/disposable-process.ts";
import { HostError } from "../core/errors.ts";
import { SandboxError } from "./errors.ts";
import { placeIn } from "./places.ts";

const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./strip-types-main.ts" : "./strip-types-main.js", import.meta.url);
const MIB = 1_024 * 1_024;
/** A program of 1 MB takes 0.2 s and 150 MiB, most of it Node's own start. */
const BOUNDS: DisposableBounds = Object.freeze({ cpuMs: 5_000, timeoutMs: 20_000, memoryBytes: 512 * MIB });
const MAX_SOURCE_BYTES = MIB;
/** Programs that are run again and again, and how long they may be. */
const MAX_KEPT = 64;
const MAX_KEPT_LENGTH = 65_536;
/** Processes at a time. */
const oneOfFew = pLimit(4);

const answerSchema = z.union([
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), message: z.string().max(1_000), line: z.int().positive(), column: z.int().positive() }),
]);

const kept = new Map<string, Promise<string>>();

/**
 * JavaScript with everything at its place: what was a type is blank. Rejects with SandboxError `invalid-message` at the place of what is no TypeScript, or more than
 * types, and with HostError `quota-exceeded` for a program above 1 MiB or one that its parser does not get done with.
 */
export function stripTypes(source: string, file: string): Promise<string> {
  const key = createHash("sha256").update(`${file}\n${source}`).digest("hex");
  const known = kept.get(key);
  if (known !== undefined) return known;
  const stripped = oneOfFew(() => strip(source, file));
  if (source.length > MAX_KEPT_LENGTH) return stripped;
  kept.set(key, stripped);
  stripped.catch(() => kept.delete(key));
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  return stripped;
}

async function strip(source: string, file: string): Promise<string> {
  const bytes = new TextEncoder().encode(source);
  if (bytes.length > MAX_SOURCE_BYTES)
    throw new HostError("quota-exceeded", `the program has ${bytes.length} bytes; TypeScript has at most ${MAX_SOURCE_BYTES}`);
  const { value, bytes: script } = await askDisposable({
    entry: ENTRY,
    request: { value: {}, bytes },
    // Blanks for letters: in UTF-8 it may have up to three bytes where there was one.
    maxAnswerBytes: 3 * bytes.length,
    bounds: BOUNDS,
    flags: ["--disable-warning=ExperimentalWarning"],
    refuse: (why, detail) => new HostError("quota-exceeded", `taking the types out of ${file} ${why}`, { detail }),
  });
  const answer = answerSchema.safeParse(value);
  if (!answer.success || (answer.data.ok && script.length > 3 * bytes.length))
    throw new HostError("quota-exceeded", `taking the types out of ${file} broke the process that did it`);
  if (answer.data.ok) return new TextDecoder().decode(script);
  const { message, line, column } = answer.data;
  throw new SandboxError("invalid-message", message, { place: placeIn(`at ${file}:${line}:${column}`, { source, file }) });
}
