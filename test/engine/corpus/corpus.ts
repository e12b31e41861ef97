// The modules of this folder as bytes, one per proposal, for every test that wants real variety.

import { readdirSync, readFileSync } from "node:fs";
import { assemble, assembleWithGc } from "./text.ts";

export interface CorpusModule {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function load(folder: string, toBytes: (text: string) => Uint8Array<ArrayBuffer>): CorpusModule[] {
  const from = new URL(`${folder}/`, import.meta.url);
  return readdirSync(from)
    .sort()
    .map((file) => ({ name: file.replace(".wat", ""), bytes: toBytes(readFileSync(new URL(file, from), "utf8")) }));
}

export const corpus: readonly CorpusModule[] = [...load("wabt", assemble), ...load("binaryen", assembleWithGc)];
