// Transparency logs for tests, in a folder, and readers of them.

import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LogEntry } from "../../host/trust/log/entry.ts";
import { LogReader, type ReadLogFile } from "../../host/trust/log/reader.ts";
import { type NoteSigner, noteKeyText, parseNoteKey } from "../../host/trust/log/signed-note.ts";

export const signerNamed = (name: string, key: KeyObject = generateKeyPairSync("ed25519").privateKey): NoteSigner => ({ name, key });

/** Of a key's 32 bytes, as other tools have them. */
export const keyOfSeed = (seed: string): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(seed, "hex")]),
    format: "der",
    type: "pkcs8",
  });

export const logEntry = (number: number, more: Partial<LogEntry> = {}): LogEntry => ({
  plugin: "thermostat",
  version: `1.0.${number}`,
  statement: createHash("sha256").update(String(number)).digest("hex"),
  keyid: "a".repeat(64),
  ...more,
});

export const entriesFrom = (first: number, count: number): LogEntry[] => Array.from({ length: count }, (_, i) => logEntry(first + i));

/** As a folder is read: what is not there is undefined, and what is too large is an error. */
export const readerOf =
  (folder: string): ReadLogFile =>
  async (path, maxBytes) => {
    const bytes = await readFile(join(folder, path)).catch(() => undefined);
    if (bytes !== undefined && bytes.length > maxBytes) throw new Error(`${path} has more than ${maxBytes} bytes`);
    return bytes;
  };

export const logReader = (folder: string, signer: NoteSigner, read: ReadLogFile = readerOf(folder)): LogReader =>
  new LogReader(read, parseNoteKey(noteKeyText(signer)));
