// Writes a test that runs a record again, for `bulkhead test` and every other runner that knows node:test.

import { dirname, relative, resolve, sep } from "node:path";
import type { TurnRecord } from "../bounds/turn-record.ts";

export interface TestPlaces {
  /** Where the test is to be. */
  readonly test: string;
  /** Where the record is. */
  readonly record: string;
  /** The plugin's. */
  readonly folder: string;
}

/** The text of the test. It passes once the plugin ends well with what it was told. */
export function testOfRecord({ id, plugin, version, entryPoint, at, error }: TurnRecord, { test, record, folder }: TestPlaces): string {
  const urlTo = (path: string): string => JSON.stringify(urlFrom(dirname(resolve(test)), resolve(path)));
  return `// ${plugin} ${version} failed at ${at}. The record of that is a file that holds what was said in the turn: mind whom you give it to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { replayRecord } from "bulkhead/testing";

test(${JSON.stringify(`${entryPoint} of the record ${id} does not fail with ${error.code} any more`)}, async () => {
  const replayed = await replayRecord(new URL(${urlTo(record)}, import.meta.url), new URL(${urlTo(folder)}, import.meta.url));
  assert.equal(replayed.error, undefined, replayed.why);
});
`;
}

function urlFrom(from: string, to: string): string {
  const path = relative(from, to).split(sep).map(encodeURIComponent).join("/");
  return path.startsWith("..") ? path : `./${path}`;
}
