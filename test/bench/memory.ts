// What one more instance of a real plugin weighs in this process.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCell, image } from "../support/cells.ts";
import { enter, QUIET, readWasm } from "./cells.ts";
import { figure, type Row } from "./measure.ts";

const INSTANCES = 300;
const MOST_KIB = 200;
const WARM_UP_INSTANCES = 20;

export async function benchMemory(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const template = image("devices", await readWasm("../../plugins/devices"));
  const cell = createCell("inline", QUIET, folder);
  const add = async (name: string): Promise<void> => {
    await cell.load({ ...template, name });
    await enter(cell, "create", '{"id":"lamp-1","name":"Lamp"}', name);
  };
  for (let i = 0; i < WARM_UP_INSTANCES; i += 1) await add(`warm-${i}`);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < INSTANCES; i += 1) await add(`d-${i}`);
  globalThis.gc?.();
  const perInstance = (process.memoryUsage.rss() - before) / INSTANCES / 1024;
  await cell[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  const work = `resident memory per extra instance of devices, its storage open (${INSTANCES})`;
  return [{ work, ours: "", theirs: "", ratio: figure(perInstance, "KiB"), goal: `≤ ${MOST_KIB} KiB`, reached: perInstance <= MOST_KIB }];
}
